import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { CachedNode } from "./node-state.js";

/** Filters whose answer may turn when a placed pod goes away. */
export const concernsOfPodGone = ["NodeResourcesFit", "NodePorts", "InterPodAffinity", "PodTopologySpread"];

/** Filters whose answer may turn with this change of a node. Heartbeats concern none. */
export function concernsOfNodeChange(
  old: CachedNode | undefined,
  node: CachedNode,
): readonly string[] | "all" {
  if (!old) return "all";
  const concerns: string[] = [];
  if (!deepEqual(old.metadata.labels, node.metadata.labels)) {
    concerns.push("NodeAffinity", "PodTopologySpread", "InterPodAffinity");
  }
  if (!deepEqual(old.spec.taints, node.spec.taints)) concerns.push("TaintToleration", "NodeUnschedulable");
  if (old.spec.unschedulable !== node.spec.unschedulable) concerns.push("NodeUnschedulable");
  if (!deepEqual(old.status.allocatable, node.status.allocatable)) concerns.push("NodeResourcesFit");
  return concerns;
}
