import { matchesTerm } from "../node-selector.js";
import { controllerOf } from "../owner.js";
import type { CachedPod } from "../pod-state.js";
import { isTolerated } from "../taints.js";
import type { FilterContext } from "./filter.js";
import { domainsOf } from "./filters/inter-pod-affinity.js";
import { selectorWithKeys } from "./filters/pod-topology-spread.js";
import type { NodeState } from "./node-state.js";
import { podResources } from "./resources.js";

const MAX = 100;

/** A preference among feasible nodes: one number each, from 0 to 100; undefined when this pod has none. */
interface Score {
  weight: number;
  rate: (pod: CachedPod, nodes: readonly NodeState[], context: FilterContext) => number[] | undefined;
}

// Upstream: pkg/scheduler/apis/config/v1 default plugins and weights.
const scores: readonly Score[] = [
  { weight: 1, rate: leastAllocated },
  { weight: 1, rate: balancedAllocation },
  { weight: 2, rate: topologySpread },
  { weight: 3, rate: fewestUnwantedTaints },
  { weight: 2, rate: preferredNodeAffinity },
  { weight: 2, rate: preferredPodAffinity },
];

/** Total of each node, in the order given. */
export function totalScores(pod: CachedPod, nodes: readonly NodeState[], context: FilterContext): number[] {
  const totals = nodes.map(() => 0);
  for (const { weight, rate } of scores) {
    const rated = rate(pod, nodes, context);
    for (const [i, score] of rated?.entries() ?? []) totals[i] = (totals[i] ?? 0) + weight * score;
  }
  return totals;
}

function leastAllocated(pod: CachedPod, nodes: readonly NodeState[]): number[] {
  return nodes.map((node) => {
    const { cpu, memory } = fractionsWith(pod, node);
    return Math.floor((Math.floor((1 - cpu) * MAX) + Math.floor((1 - memory) * MAX)) / 2);
  });
}

function balancedAllocation(pod: CachedPod, nodes: readonly NodeState[]): number[] {
  return nodes.map((node) => {
    const { cpu, memory } = fractionsWith(pod, node);
    return Math.floor((1 - Math.abs(cpu - memory) / 2) * MAX);
  });
}

function fractionsWith(pod: CachedPod, node: NodeState): { cpu: number; memory: number } {
  const { assumedMilliCpu, assumedMemoryBytes } = podResources(pod);
  const fraction = (used: number, allocatable: number): number =>
    allocatable <= 0 ? 1 : Math.min(1, used / allocatable);
  return {
    cpu: fraction(node.assumedMilliCpu + assumedMilliCpu, node.allocatable.get("cpu") ?? 0),
    memory: fraction(node.assumedMemoryBytes + assumedMemoryBytes, node.allocatable.get("memory") ?? 0),
  };
}

/** The pod's soft constraints, else replicas of one owner over nodes and zones (system default constraints). */
function topologySpread(
  pod: CachedPod,
  nodes: readonly NodeState[],
  context: FilterContext,
): number[] | undefined {
  const soft = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway",
  );
  if (pod.spec.topologySpreadConstraints?.length) {
    return soft.length === 0 ? undefined : fewestFirst(softCounts(pod, soft, nodes, context));
  }
  const owner = controllerOf(pod);
  return owner ? fewestFirst(replicaCounts(owner.uid, nodes)) : undefined;
}

function softCounts(
  pod: CachedPod,
  soft: NonNullable<CachedPod["spec"]["topologySpreadConstraints"]>,
  nodes: readonly NodeState[],
  { state }: FilterContext,
): number[] {
  const totals = nodes.map(() => 0);
  for (const constraint of soft) {
    const counts = new Map<string, number>();
    for (const placed of state.matching(pod.metadata.namespace ?? "", selectorWithKeys(constraint, pod))) {
      const domain = state.node(placed.nodeName)?.label(constraint.topologyKey);
      if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    for (const [i, node] of nodes.entries()) {
      totals[i] = (totals[i] ?? 0) + (counts.get(node.label(constraint.topologyKey) ?? "") ?? 0);
    }
  }
  return totals;
}

const ZONE = "topology.kubernetes.io/zone";

function replicaCounts(ownerUid: string, nodes: readonly NodeState[]): number[] {
  const inZone = new Map<string, number>();
  for (const node of nodes) {
    const zone = node.label(ZONE);
    if (zone === undefined) continue;
    inZone.set(zone, (inZone.get(zone) ?? 0) + (node.replicas.get(ownerUid) ?? 0));
  }
  return nodes.map((node) => {
    const zone = node.label(ZONE);
    return (node.replicas.get(ownerUid) ?? 0) + (zone === undefined ? 0 : (inZone.get(zone) ?? 0));
  });
}

function fewestUnwantedTaints(pod: CachedPod, nodes: readonly NodeState[]): number[] | undefined {
  const counts = nodes.map(({ node }) =>
    (node.spec.taints ?? []).reduce(
      (count, taint) =>
        count + (taint.effect === "PreferNoSchedule" && !isTolerated(taint, pod.spec.tolerations) ? 1 : 0),
      0,
    ),
  );
  return counts.some((count) => count > 0) ? fewestFirst(counts) : undefined;
}

function preferredNodeAffinity(pod: CachedPod, nodes: readonly NodeState[]): number[] | undefined {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  if (!preferred?.length) return undefined;
  const sums = nodes.map(({ node }) =>
    preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0), 0),
  );
  return mostFirst(sums);
}

function preferredPodAffinity(
  pod: CachedPod,
  nodes: readonly NodeState[],
  context: FilterContext,
): number[] | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const near = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const apart = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  if (near.length + apart.length === 0) return undefined;
  const sums = nodes.map(() => 0);
  const terms = [...near.map((one) => ({ ...one, sign: 1 })), ...apart.map((one) => ({ ...one, sign: -1 }))];
  for (const { weight, podAffinityTerm, sign } of terms) {
    const counts = domainsOf(podAffinityTerm, pod, context);
    for (const [i, node] of nodes.entries()) {
      const domain = `${podAffinityTerm.topologyKey}=${node.label(podAffinityTerm.topologyKey)}`;
      sums[i] = (sums[i] ?? 0) + sign * weight * (counts.get(domain) ?? 0);
    }
  }
  return mostFirst(sums);
}

/** The least count gets 100, the greatest 0. */
function fewestFirst(counts: readonly number[]): number[] {
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const least = counts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return counts.map((count) => (most === 0 ? MAX : Math.floor((MAX * (most + least - count)) / most)));
}

/** The greatest sum gets 100, the least 0. */
function mostFirst(sums: readonly number[]): number[] {
  const most = sums.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = sums.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return sums.map((sum) => (most === least ? 0 : Math.floor((MAX * (sum - least)) / (most - least))));
}
