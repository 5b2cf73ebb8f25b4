import { backendKey } from "../dataplane/route-entry.js";
import type { Backend } from "../dataplane/table.js";
import type { Balancer } from "./balancer.js";
import { leastLoaded } from "./least.js";
import { isOverloaded } from "./locality.js";

/** net.ipv4.vs.lblcr_expiration: a set that did not change for so long gives up its busiest endpoint. */
const SHRINK_AFTER_MS = 24 * 60 * 60 * 1000;

/** Like `ipvs-lblc`, but an overloaded endpoint gets another beside it instead of being replaced. */
export const ipvsReplicatedLocality: Balancer = {
  name: "ipvs-lblcr",
  mode: "ipvs",
  pick: (backends, state, connection) => {
    const { active, nowMs } = connection;
    const serve = (servers: readonly Backend[]): void => {
      state.servers = servers.map(backendKey);
      state.serversSinceMs = nowMs;
    };
    const servers = backends.filter(
      (backend) => backend.weight > 0 && state.servers.includes(backendKey(backend)),
    );
    const least = servers.length > 0 ? leastLoaded(servers, active) : undefined;
    if (least && servers.length > 1 && nowMs - state.serversSinceMs > SHRINK_AFTER_MS) {
      const busiest = servers.reduce((a, b) => (active(b) * a.weight > active(a) * b.weight ? b : a));
      serve(servers.filter((server) => server !== busiest));
    }
    if (least && !isOverloaded(least, backends, connection)) return least;
    const next = leastLoaded(backends, active);
    serve([...servers.filter((server) => server !== next), next]);
    return next;
  },
};
