import type { Backend } from "../dataplane/table.js";
import type { Balancer } from "./balancer.js";

/** Weighted round robin as the kernel interleaves it; with kube-proxy's weights, all 1, it is round robin. */
export const ipvsWeightedRoundRobin: Balancer = {
  name: "ipvs-wrr",
  mode: "ipvs",
  pick: (backends, state) => {
    const weights = backends.map(({ weight }) => weight);
    const most = Math.max(...weights);
    if (most <= 0) return backends[0] as Backend;
    const step = weights.reduce(greatestCommonDivisor);
    for (;;) {
      const index = state.turn % backends.length;
      if (index === 0) state.currentWeight = lower(state.currentWeight, step, most);
      state.turn = index + 1;
      const backend = backends[index] as Backend;
      if (backend.weight >= state.currentWeight && backend.weight > 0) return backend;
    }
  },
};

/** The threshold falls by one step for each walk, from the greatest weight to above zero. */
function lower(current: number, step: number, most: number): number {
  const next = Math.min(current, most + step) - step;
  return next > 0 ? next : most;
}

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);
