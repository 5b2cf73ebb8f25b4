import type { Backend } from "../dataplane/table.js";

/** The endpoint of the smallest load for its weight, the first of several; those of weight 0 only when there is no other. */
export function leastLoaded(backends: readonly Backend[], loadOf: (backend: Backend) => number): Backend {
  let best = backends[0] as Backend;
  let bestLoad = Number.POSITIVE_INFINITY;
  for (const backend of backends) {
    if (backend.weight <= 0) continue;
    const load = loadOf(backend) / backend.weight;
    if (load >= bestLoad) continue;
    best = backend;
    bestLoad = load;
  }
  return best;
}
