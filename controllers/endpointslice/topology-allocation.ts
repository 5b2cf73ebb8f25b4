import type { Endpoint } from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

/** How much more than its share an endpoint may get before hints do more harm than good. */
const OVERLOAD_THRESHOLD = 0.2;

/** Parts of the cluster's CPU by zone; their sum is 1. */
export type CpuRatios = ReadonlyMap<string, number>;
/** Counts by zone. */
export type ZoneCounts = Map<string, number>;

export interface Allocation {
  minimum: number;
  maximum: number;
  desired: number;
}

type HasHints = Pick<DeepReadonly<Endpoint>, "conditions" | "hints">;

const shareOf = (endpoints: number): number => Math.ceil(endpoints * (1 / (1 + OVERLOAD_THRESHOLD)));

// Upstream: staging/src/k8s.io/endpointslice/topologycache (KEP-2433).
/** How many endpoints each zone should have; undefined when some zone would be overloaded whatever one does. */
export function allocate(ratios: CpuRatios, endpointCount: number): Map<string, Allocation> | undefined {
  const minima = [...ratios].map(([zone, ratio]) => {
    const desired = ratio * endpointCount;
    const minimum = shareOf(desired);
    return { zone, minimum, desired: Math.max(desired, minimum) };
  });
  const spare = endpointCount - minima.reduce((sum, { minimum }) => sum + minimum, 0);
  if (spare < 0) return undefined;
  return new Map(
    minima.map(({ zone, minimum, desired }) => [zone, { minimum, maximum: minimum + spare, desired }]),
  );
}

/** Whether some zone has fewer endpoints than it should at least have. */
export function isOverloaded(hinted: ReadonlyMap<string, number>, ratios: CpuRatios): boolean {
  if (hinted.size === 0) return false;
  if (ratios.size === 0) return true;
  const total = [...hinted.values()].reduce((sum, count) => sum + count, 0);
  return [...ratios].some(([zone, ratio]) => {
    const count = hinted.get(zone);
    return count === undefined || count < shareOf(total * ratio);
  });
}

/** The hints of a slice that may stay as they are, counted by zone; undefined when one of them may not. */
export function validHints(
  endpoints: readonly HasHints[],
  counted: ReadonlyMap<string, number>,
  allocations: ReadonlyMap<string, Allocation>,
): ZoneCounts | undefined {
  const own: ZoneCounts = new Map();
  for (const { conditions, hints } of endpoints) {
    if (!conditions?.ready) continue;
    if (!hints?.forZones?.length) return undefined;
    for (const { name } of hints.forZones) own.set(name, (own.get(name) ?? 0) + 1);
  }
  for (const [zone, count] of own) {
    const most = allocations.get(zone)?.maximum;
    if (most === undefined || count + (counted.get(zone) ?? 0) > most) return undefined;
  }
  return own;
}

/** Which zones have endpoints to give, and which need some, whole endpoints each. */
export function transfers(
  allocations: ReadonlyMap<string, Allocation>,
  hinted: ReadonlyMap<string, number>,
): { giving: ZoneCounts; receiving: ZoneCounts } {
  const [surplus, need]: [ZoneCounts, ZoneCounts] = [new Map(), new Map()];
  for (const [zone, { desired }] of allocations) {
    const difference = (hinted.get(zone) ?? 0) - desired;
    if (difference > 0) surplus.set(zone, difference);
    else if (difference < 0) need.set(zone, -difference);
  }
  const [giving, receiving]: [ZoneCounts, ZoneCounts] = [new Map(), new Map()];
  for (;;) {
    const [giver, toGive] = most(surplus);
    const [receiver, toReceive] = most(need);
    const isWorthIt = (toGive >= 1 || toReceive >= 1) && toGive >= 0.5 && toReceive >= 0.5;
    if (giver === undefined || receiver === undefined || !isWorthIt) return { giving, receiving };
    add(giving, giver, 1);
    add(surplus, giver, -1);
    add(receiving, receiver, 1);
    add(need, receiver, -1);
  }
}

/** Hints a zone's surplus to the zones in need, and says so in `hinted`. */
export function redistribute(
  endpoints: readonly Endpoint[],
  { giving, receiving }: { giving: ZoneCounts; receiving: ZoneCounts },
  hinted: ZoneCounts,
): void {
  for (const endpoint of endpoints) {
    const { zone } = endpoint;
    if (!endpoint.conditions?.ready || zone === undefined || !giving.has(zone)) continue;
    const [receiver] = [...receiving.keys()].sort();
    if (receiver === undefined) return;
    endpoint.hints = { forZones: [{ name: receiver }] };
    takeOne(giving, zone);
    takeOne(receiving, receiver);
    add(hinted, receiver, 1);
    add(hinted, zone, -1);
  }
}

export const add = (counts: ZoneCounts, zone: string, by: number): void =>
  void counts.set(zone, (counts.get(zone) ?? 0) + by);

function takeOne(counts: ZoneCounts, zone: string): void {
  const left = (counts.get(zone) ?? 0) - 1;
  if (left > 0) counts.set(zone, left);
  else counts.delete(zone);
}

/** The zone with the greatest count above 0, by name among equals. */
function most(counts: ReadonlyMap<string, number>): [string | undefined, number] {
  let best: [string | undefined, number] = [undefined, 0];
  for (const [zone, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (count > best[1]) best = [zone, count];
  return best;
}
