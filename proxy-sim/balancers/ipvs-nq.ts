import type { Balancer } from "./balancer.js";
import { ipvsShortestDelay } from "./ipvs-sed.js";

/** Never queue: an idle endpoint if there is one, or the shortest expected delay. */
export const ipvsNeverQueue: Balancer = {
  name: "ipvs-nq",
  mode: "ipvs",
  pick: (backends, state, connection) =>
    backends.find((backend) => backend.weight > 0 && connection.active(backend) === 0) ??
    ipvsShortestDelay.pick(backends, state, connection),
};
