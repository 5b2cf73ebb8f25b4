import type { Balancer } from "../../proxy-sim/balancers/balancer.js";
import { backendKey } from "../../proxy-sim/dataplane/route-entry.js";
import type { Backend } from "../../proxy-sim/dataplane/table.js";

/**
 * What no proxy can do: it counts over all nodes and knows who will answer, so that every endpoint that lives gets the
 * same. What is left of unevenness in it comes from the Service's own policies.
 */
export function idealBalancer(answers: (backend: Backend) => boolean): Balancer {
  const given = new Map<string, number>();
  const count = (backend: Backend): number => given.get(backendKey(backend)) ?? 0;
  return {
    name: "ideal",
    mode: "nftables",
    pick(backends) {
      const living = backends.filter(answers);
      const candidates = living.length > 0 ? living : backends;
      const best = candidates.reduce((least, each) => (count(each) < count(least) ? each : least));
      given.set(backendKey(best), count(best) + 1);
      return best;
    },
  };
}
