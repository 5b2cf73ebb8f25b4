import type { Backend } from "../dataplane/table.js";
import type { Balancer } from "./balancer.js";

/** IPVS round robin: one after the other, each node counting for itself. Endpoints of weight 0 are passed over. */
export const ipvsRoundRobin: Balancer = {
  name: "ipvs-rr",
  mode: "ipvs",
  pick: (backends, state) => {
    for (let tried = 0; tried < backends.length; tried++) {
      const backend = backends[state.turn % backends.length] as Backend;
      state.turn += 1;
      if (backend.weight > 0) return backend;
    }
    return backends[0] as Backend;
  },
};
