import type { Balancer } from "./balancer.js";
import { leastLoaded } from "./least.js";

/** Least connections for its weight. */
export const ipvsWeightedLeastConnections: Balancer = {
  name: "ipvs-wlc",
  mode: "ipvs",
  pick: (backends, _, { active }) => leastLoaded(backends, active),
};
