import type { Balancer } from "./balancer.js";
import { leastLoaded } from "./least.js";

/** Least connections; weight says only whether an endpoint takes part. */
export const ipvsLeastConnections: Balancer = {
  name: "ipvs-lc",
  mode: "ipvs",
  pick: (backends, _, { active }) => leastLoaded(backends, (backend) => active(backend) * backend.weight),
};
