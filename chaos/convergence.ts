import type { TimelineEntry } from "../proxy-sim/timeline.js";
import type { EndpointSliceRecord, History, PodRecord } from "./history.js";

/** The way of one change of a Service's endpoints: pod, EndpointSlice, proxy, each node's table. */
export interface Convergence {
  /** `namespace/name`. */
  service: string;
  /** `namespace/name` of the EndpointSlice. */
  slice: string;
  resourceVersion?: string;
  nowReady: readonly string[];
  noLongerReady: readonly string[];
  /** When the watch saw the pods change; absent when no pod did, or nobody saw. */
  podMs?: number;
  /** When the watch saw the slice. */
  sliceMs?: number;
  /** When the proxy did. */
  receivedMs: number;
  /** By node, when its table had it; what is not here never did. */
  tables: Readonly<Record<string, number>>;
}

/** A change of a pod belongs to a slice that was written at most so long after it. */
const LONGEST_CHAIN_MS = 60_000;

/** Every change of endpoints that reached the proxy during the run, in the order of time. */
export function convergencesOf(history: History): Convergence[] {
  const slices = new Map(
    history.endpointSlices.map((record) => [`${record.slice} ${record.resourceVersion}`, record]),
  );
  const pods = groupBy(history.pods, ({ pod }) => pod);
  const nodes = history.tables.map(({ node }) => node);
  return history.timeline
    .filter(
      ({ object, receivedMs }) => object.startsWith("EndpointSlice ") && receivedMs >= history.startedAtMs,
    )
    .map((entry) => convergenceOf(entry, slices, pods, nodes))
    .sort((a, b) => a.receivedMs - b.receivedMs);
}

function convergenceOf(
  entry: TimelineEntry,
  slices: ReadonlyMap<string, EndpointSliceRecord>,
  pods: ReadonlyMap<string, PodRecord[]>,
  nodes: readonly string[],
): Convergence {
  const { service, resourceVersion, receivedMs, nowReady = [], noLongerReady = [] } = entry;
  const slice = entry.object.slice("EndpointSlice ".length);
  const sliceMs = slices.get(`${slice} ${resourceVersion}`)?.atMs;
  const untilMs = sliceMs ?? receivedMs;
  const changes = [
    ...nowReady.flatMap((pod) => changeOf(pods.get(pod) ?? [], true, untilMs) ?? []),
    ...noLongerReady.flatMap((pod) => changeOf(pods.get(pod) ?? [], false, untilMs) ?? []),
  ];
  return {
    service,
    slice,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    nowReady,
    noLongerReady,
    ...(changes.length > 0 ? { podMs: Math.max(...changes) } : {}),
    ...(sliceMs === undefined ? {} : { sliceMs }),
    receivedMs,
    tables: tablesOf(entry, nodes),
  };
}

/** Whether a Service would send to it; as the endpoints controller sees it. */
export const isServing = ({ event, ready, terminating }: PodRecord): boolean =>
  event !== "DELETED" && ready && !terminating;

/** When the pod last became so. The watches of pods and slices are not one: the pod's may be a little late. */
function changeOf(records: readonly PodRecord[], serving: boolean, untilMs: number): number | undefined {
  let found: number | undefined;
  let before: boolean | undefined;
  for (const record of records) {
    const now = isServing(record);
    const isChange = before === undefined ? now : now !== before;
    if (isChange && now === serving && record.atMs >= untilMs - LONGEST_CHAIN_MS) {
      if (found === undefined || record.atMs <= untilMs) found = record.atMs;
    }
    before = now;
    if (record.atMs > untilMs && found !== undefined) break;
  }
  return found === undefined ? undefined : Math.min(found, untilMs);
}

/** An entry that names no nodes means those that no other names. */
function tablesOf({ programmed }: TimelineEntry, nodes: readonly string[]): Record<string, number> {
  const tables: Record<string, number> = {};
  for (const { nodes: named, atMs } of programmed)
    for (const node of named ?? []) tables[node] = Math.min(atMs, tables[node] ?? atMs);
  const rest = programmed.find(({ nodes: named }) => named === undefined);
  if (rest) for (const node of nodes) tables[node] ??= rest.atMs;
  return tables;
}

function groupBy<T>(records: readonly T[], key: (record: T) => string): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const record of records) {
    const list = grouped.get(key(record));
    if (list) list.push(record);
    else grouped.set(key(record), [record]);
  }
  return grouped;
}
