import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import type { CachedPod } from "./pod-state.js";

type CachedNode = DeepReadonly<Node>;

/** spec.nodeSelector and required node affinity together (component-helpers nodeaffinity GetRequiredNodeAffinity). */
export function matchesNode(pod: CachedPod, node: CachedNode): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (labels[key] !== value) return false;
  }
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** All of its requirements; a term without any matches nothing. */
export function matchesTerm(term: DeepReadonly<NodeSelectorTerm>, node: CachedNode): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata.name };
  return (
    matchExpressions.every((one) => holds(one, node.metadata.labels ?? {})) &&
    matchFields.every((one) => holds(one, fields))
  );
}

function holds(
  { key, operator, values = [] }: DeepReadonly<NodeSelectorRequirement>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
  }
}
