import type { CachedPod } from "../pod-state.js";
import { isPodReady, podCondition } from "../pod-state.js";

/** Creations or deletions of one pass at most, so that a bad spec cannot flood the server (upstream BurstReplicas). */
export const BURST = 500;

export interface ScalePlan {
  create: number;
  remove: CachedPod[];
}

// Upstream: pkg/controller/replicaset/replica_set.go manageReplicas, getPodsToDelete.
/** What one pass does. `related` are the active pods of all ReplicaSets with the same owner, for spreading. */
export function planScale(
  replicas: number,
  active: readonly CachedPod[],
  related: readonly CachedPod[],
  nowMs: number,
): ScalePlan {
  const missing = replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST), remove: [] };
  const excess = Math.min(-missing, BURST);
  const remove =
    excess < active.length ? cheapestFirst(active, related, nowMs).slice(0, excess) : [...active];
  return { create: 0, remove };
}

// Upstream: pkg/controller/controller_utils.go ActivePodsWithRanks.
/** Pods in the order in which they should be deleted. */
export function cheapestFirst(
  active: readonly CachedPod[],
  related: readonly CachedPod[],
  nowMs: number,
): CachedPod[] {
  const podsOnNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec.nodeName ?? "";
    podsOnNode.set(node, (podsOnNode.get(node) ?? 0) + 1);
  }
  const costs = active.map((pod) => deletionCost(pod, podsOnNode.get(pod.spec.nodeName ?? "") ?? 0, nowMs));
  return costs.sort(compareCosts).map(({ pod }) => pod);
}

interface DeletionCost {
  pod: CachedPod;
  /** Compared one after another; the lower goes first. */
  ranks: readonly number[];
}

const PHASE_RANK = { Pending: 0, Unknown: 1, Running: 2, Succeeded: 2, Failed: 2 } as const;

function deletionCost(pod: CachedPod, podsOnSameNode: number, nowMs: number): DeletionCost {
  const ready = isPodReady(pod);
  const readySince = Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? "");
  const created = Date.parse(pod.metadata.creationTimestamp);
  return {
    pod,
    ranks: [
      pod.spec.nodeName ? 1 : 0,
      PHASE_RANK[pod.status.phase],
      ready ? 1 : 0,
      parseCost(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"]),
      -podsOnSameNode,
      ready ? ageBucket(nowMs - readySince) : 0,
      -mostRestarts(pod),
      ageBucket(nowMs - created),
    ],
  };
}

/** Ages are compared by their logarithm: among pods of about the same age the choice is arbitrary, by uid. */
const ageBucket = (ageMs: number): number =>
  Number.isNaN(ageMs) ? -1 : Math.floor(Math.log2(Math.max(1, ageMs * 1e6)));

const mostRestarts = (pod: CachedPod): number =>
  Math.max(
    0,
    ...(pod.status.containerStatuses ?? []).map((status) => status.restartCount),
    ...(pod.status.initContainerStatuses ?? []).map((status) => status.restartCount),
  );

const parseCost = (text: string | undefined): number => (/^-?\d+$/.test(text ?? "") ? Number(text) : 0);

function compareCosts(left: DeletionCost, right: DeletionCost): number {
  for (const [i, rank] of left.ranks.entries()) {
    const difference = rank - (right.ranks[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.pod.metadata.uid < right.pod.metadata.uid ? -1 : 1;
}
