import { backendKey } from "../dataplane/route-entry.js";
import type { Backend } from "../dataplane/table.js";
import type { Balancer } from "./balancer.js";

/** IP_VS_MH_TAB_SIZE: a prime, so that every endpoint's walk over the table reaches each place. */
const PLACES = 4093;

const tables = new WeakMap<readonly Backend[], readonly Backend[]>();

/** Maglev: like source hash, but when an endpoint comes or goes few of the other clients move. */
export const ipvsMaglev: Balancer = {
  name: "ipvs-mh",
  mode: "ipvs",
  pick: (backends, _, { clientIp }) => {
    let table = tables.get(backends);
    if (!table) {
      table = fillTable(backends);
      tables.set(backends, table);
    }
    return table[hash(clientIp, 1) % PLACES] as Backend;
  },
};

/** Endpoints take places in turn, each as often as its weight says, in an order of their own. */
function fillTable(backends: readonly Backend[]): Backend[] {
  const willing = backends.filter(({ weight }) => weight > 0);
  const walks = (willing.length > 0 ? willing : backends).map((backend) => ({
    backend,
    at: hash(backendKey(backend), 2) % PLACES,
    skip: (hash(backendKey(backend), 3) % (PLACES - 1)) + 1,
    turns: Math.max(1, Math.floor(backend.weight)),
  }));
  const table = new Map<number, Backend>();
  while (table.size < PLACES)
    for (const walk of walks)
      for (let turn = 0; turn < walk.turns && table.size < PLACES; turn++) {
        while (table.has(walk.at)) walk.at = (walk.at + walk.skip) % PLACES;
        table.set(walk.at, walk.backend);
      }
  return Array.from({ length: PLACES }, (_, i) => table.get(i) as Backend);
}

/** FNV-1a, mixed once more: the kernel uses siphash with keys of its own, so no two nodes need agree with a real one. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
