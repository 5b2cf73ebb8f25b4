import type { Rng } from "../../machinery/api/rng.js";
import type { CachedPod } from "../pod-state.js";
import type { FilterContext, NodeCheck, Rejection } from "./filter.js";
import { filters } from "./filters.js";
import type { NodeState } from "./node-state.js";
import { totalScores } from "./scores.js";

export type Selection =
  | { kind: "fits"; nodeName: string }
  | { kind: "unschedulable"; message: string; rejectedBy: ReadonlySet<string> };

/** Where the search for nodes begins, so that all get their turn when only some are looked at. */
export interface Cursor {
  next: number;
}

// Upstream: pkg/scheduler/schedule_one.go schedulePod.
/** The best node for a pod, or why there is none. */
export function selectNode(pod: CachedPod, context: FilterContext, cursor: Cursor, rng: Rng): Selection {
  const { nodes } = context.state;
  if (nodes.length === 0) {
    return { kind: "unschedulable", message: "no nodes available to schedule pods", rejectedBy: new Set() };
  }
  const { feasible, rejections, rejectedBy } = findFeasible(pod, context, cursor);
  if (feasible.length === 0) {
    return { kind: "unschedulable", message: fitMessage(nodes.length, rejections), rejectedBy };
  }
  const best = feasible.length === 1 ? feasible[0] : pickBest(pod, feasible, context, rng);
  return { kind: "fits", nodeName: best?.name ?? "" };
}

function findFeasible(
  pod: CachedPod,
  context: FilterContext,
  cursor: Cursor,
): { feasible: NodeState[]; rejections: Rejection[]; rejectedBy: Set<string> } {
  const { nodes } = context.state;
  const checks = filters.flatMap((filter) => {
    const check = filter.prepare(pod, context);
    return check ? [{ name: filter.name, check }] : [];
  });
  const enough = feasibleNodesToFind(nodes.length);
  const feasible: NodeState[] = [];
  const rejections: Rejection[] = [];
  const rejectedBy = new Set<string>();
  let looked = 0;
  for (; looked < nodes.length && feasible.length < enough; looked++) {
    const node = nodes[(cursor.next + looked) % nodes.length] as NodeState;
    const rejection = firstRejection(node, checks, rejectedBy);
    if (rejection) rejections.push(rejection);
    else feasible.push(node);
  }
  cursor.next = (cursor.next + looked) % nodes.length;
  return { feasible, rejections, rejectedBy };
}

function firstRejection(
  node: NodeState,
  checks: readonly { name: string; check: NodeCheck }[],
  rejectedBy: Set<string>,
): Rejection | undefined {
  for (const { name, check } of checks) {
    const rejection = check(node);
    if (!rejection) continue;
    rejectedBy.add(name);
    return rejection;
  }
  return undefined;
}

/** All of up to a hundred nodes; of more, a share that shrinks from a half to a twentieth (numFeasibleNodesToFind). */
export function feasibleNodesToFind(nodeCount: number): number {
  if (nodeCount < 100) return nodeCount;
  const percentage = Math.max(5, 50 - Math.floor(nodeCount / 125));
  return Math.max(100, Math.floor((nodeCount * percentage) / 100));
}

function pickBest(
  pod: CachedPod,
  feasible: readonly NodeState[],
  context: FilterContext,
  rng: Rng,
): NodeState {
  const totals = totalScores(pod, feasible, context);
  const most = totals.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return rng.pick(feasible.filter((_node, i) => totals[i] === most));
}

// Upstream: pkg/scheduler/framework/types.go FitError.Error, and the messages of the default post filters.
export function fitMessage(nodeCount: number, rejections: readonly Rejection[]): string {
  const reasons = histogram(rejections.flatMap((rejection) => rejection.reasons));
  const preemption = histogram(
    rejections.map(({ unresolvable }) =>
      unresolvable
        ? "Preemption is not helpful for scheduling"
        : "No preemption victims found for incoming pod",
    ),
  );
  const head = `0/${nodeCount} nodes are available`;
  return `${head}: ${reasons}. no new claims to deallocate, preemption: ${head}: ${preemption}.`;
}

function histogram(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts]
    .map(([text, count]) => `${count} ${text}`)
    .sort()
    .join(", ");
}
