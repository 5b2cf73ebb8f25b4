import type { Balancer } from "./balancer.js";
import { leastLoaded } from "./least.js";

/** Shortest expected delay: the new connection counts too, so a heavy endpoint is preferred while all are idle. */
export const ipvsShortestDelay: Balancer = {
  name: "ipvs-sed",
  mode: "ipvs",
  pick: (backends, _, { active }) => leastLoaded(backends, (backend) => active(backend) + 1),
};
