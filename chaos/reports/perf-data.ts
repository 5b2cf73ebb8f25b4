import { convergencesOf } from "../convergence.js";
import type { History } from "../history.js";
import type { Journal } from "./journal.js";
import { ascending, percentile } from "./statistics.js";

/** ClusterLoader2's form of measurements (perf-tests: util-images, perfdash read it). */
export interface PerfData {
  version: "v1";
  dataItems: DataItem[];
  labels?: Record<string, string>;
}

export interface DataItem {
  data: { Perc50: number; Perc90: number; Perc99: number };
  unit: "ms";
  labels: Record<string, string>;
}

export interface PerfDataFile {
  /** As ClusterLoader2 names it: measurement, test, time. */
  name: string;
  content: PerfData;
}

/** One file for each measurement of which there is at least one value. */
export function toPerfData({ experiment, history, end, seed, mode }: Journal): PerfDataFile[] {
  const labels = { scenario: experiment.name, seed, mode };
  return Object.entries(measurements(history))
    .filter(([, dataItems]) => dataItems.length > 0)
    .map(([measurement, dataItems]) => ({
      name: `${measurement}_${experiment.name}_${end.slice(0, 19)}Z.json`,
      content: { version: "v1", dataItems, labels },
    }));
}

const measurements = (history: History): Record<string, DataItem[]> => ({
  RequestLatency: requestLatency(history),
  NetworkProgrammingLatency: networkProgramming(history),
  EndpointsConvergence: endpointsConvergence(history),
  RecoveryTime: recoveryTime(history),
});

/** Of answered requests, by client. */
function requestLatency({ operations }: History): DataItem[] {
  const byClient = new Map<string, number[]>();
  for (const { client, outcome, tookMs } of operations) {
    const list = byClient.get(client) ?? [];
    byClient.set(client, list);
    if (outcome === "ok") list.push(tookMs);
  }
  return [...byClient].flatMap(([client, values]) =>
    itemOf(values, { Metric: "request_latency", client, count: String(values.length) }),
  );
}

/** Of each node: from a pod's change to the node's table (SIG Scalability's network programming latency). */
function networkProgramming(history: History): DataItem[] {
  const byNode = new Map<string, number[]>();
  const all: number[] = [];
  for (const { podMs, sliceMs, receivedMs, tables } of convergencesOf(history)) {
    const fromMs = podMs ?? sliceMs ?? receivedMs;
    for (const [node, atMs] of Object.entries(tables)) {
      const tookMs = Math.max(0, atMs - fromMs);
      all.push(tookMs);
      const list = byNode.get(node);
      if (list) list.push(tookMs);
      else byNode.set(node, [tookMs]);
    }
  }
  return [
    ...itemOf(all, { Metric: "NetworkProgrammingLatency" }),
    ...[...byNode]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([node, values]) => itemOf(values, { Metric: "NetworkProgrammingLatency", node })),
  ];
}

/** From a pod's change to the EndpointSlice that has it. */
function endpointsConvergence(history: History): DataItem[] {
  const took = convergencesOf(history).flatMap(({ podMs, sliceMs }) =>
    podMs === undefined || sliceMs === undefined ? [] : [Math.max(0, sliceMs - podMs)],
  );
  return itemOf(took, { Metric: "EndpointsConvergence" });
}

/** From the end of the traffic, by when every fault is healed, until everything is back; and how late healings were. */
function recoveryTime({ recovery, faults }: History): DataItem[] {
  const late = faults.flatMap(({ healedAtMs, endsAtMs }) =>
    healedAtMs === undefined || endsAtMs === undefined ? [] : [Math.max(0, healedAtMs - endsAtMs)],
  );
  return [
    ...itemOf(recovery ? [recovery.tookMs] : [], { Metric: "recovery" }),
    ...itemOf(late, { Metric: "healing_after_end" }),
  ];
}

function itemOf(values: readonly number[], labels: Record<string, string>): DataItem[] {
  if (values.length === 0) return [];
  const sorted = ascending(values);
  const at = (share: number): number => Math.round(percentile(sorted, share) * 1000) / 1000;
  return [{ data: { Perc50: at(50), Perc90: at(90), Perc99: at(99) }, unit: "ms", labels }];
}
