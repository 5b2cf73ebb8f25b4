import type { Filter, Rejection } from "../filter.js";
import type { NodeState } from "../node-state.js";
import { type Amounts, podResources } from "../resources.js";

export const nodeResourcesFit: Filter = {
  name: "NodeResourcesFit",
  prepare(pod) {
    const { requests } = podResources(pod);
    return (node) => check(requests, node);
  },
};

function check(requests: Amounts, node: NodeState): Rejection | undefined {
  let reasons: string[] | undefined;
  let unresolvable = false;
  if (node.pods.size + 1 > (node.allocatable.get("pods") ?? 0)) (reasons ??= []).push("Too many pods");
  for (const [name, wanted] of requests) {
    if (wanted === 0) continue;
    const allocatable = node.allocatable.get(name) ?? 0;
    if (wanted <= allocatable - (node.requested.get(name) ?? 0)) continue;
    (reasons ??= []).push(`Insufficient ${name}`);
    // Not even an empty node of this kind would do.
    unresolvable ||= wanted > allocatable;
  }
  return reasons ? { reasons, unresolvable } : undefined;
}
