import { backendKey } from "../dataplane/route-entry.js";
import type { Balancer } from "./balancer.js";
import { ipvsWeightedLeastConnections } from "./ipvs-wlc.js";
import { isOverloaded } from "./locality.js";

/**
 * Locality-based least connections, made for caches: one address stays with one endpoint until that is overloaded. A
 * Service has one address, so it stays with one endpoint too.
 */
export const ipvsLocality: Balancer = {
  name: "ipvs-lblc",
  mode: "ipvs",
  pick: (backends, state, connection) => {
    const [known] = state.servers;
    const server = backends.find((backend) => backend.weight > 0 && backendKey(backend) === known);
    if (server && !isOverloaded(server, backends, connection)) return server;
    const next = ipvsWeightedLeastConnections.pick(backends, state, connection);
    state.servers = [backendKey(next)];
    return next;
  },
};
