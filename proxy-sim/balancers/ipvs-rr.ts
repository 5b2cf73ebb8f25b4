import type { Backend } from "../dataplane/table.js";
import type { Balancer } from "./balancer.js";

/** IPVS round robin: one after the other, each node counting for itself. */
export const ipvsRoundRobin: Balancer = {
  name: "ipvs-rr",
  pick: (backends, state) => {
    const index = state.turn % backends.length;
    state.turn += 1;
    return backends[index] as Backend;
  },
};
