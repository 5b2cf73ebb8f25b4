import type { TopologySpreadConstraint } from "../../../machinery/api/core-v1.js";
import { matchesLabels, type Selector } from "../../../machinery/api/labels.js";
import type { DeepReadonly } from "../../../machinery/api/meta-v1.js";
import { matchesNode } from "../../node-selector.js";
import type { CachedPod } from "../../pod-state.js";
import { selectorOf } from "../../selector-cache.js";
import { isTolerated } from "../../taints.js";
import type { ClusterState } from "../cluster-state.js";
import { type Filter, type NodeCheck, resolvable, unresolvable } from "../filter.js";
import type { NodeState } from "../node-state.js";

export type Constraint = DeepReadonly<TopologySpreadConstraint>;

const REASON = "node(s) didn't match pod topology spread constraints";

// Upstream: pkg/scheduler/framework/plugins/podtopologyspread/filtering.go.
export const podTopologySpread: Filter = {
  name: "PodTopologySpread",
  prepare(pod, { state }) {
    const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
      ({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule",
    );
    if (hard.length === 0) return undefined;
    const checks = hard.map((constraint) => checkOf(constraint, hard, pod, state));
    return (node) => {
      for (const check of checks) {
        const rejection = check(node);
        if (rejection) return rejection;
      }
      return undefined;
    };
  },
};

function checkOf(
  constraint: Constraint,
  all: readonly Constraint[],
  pod: CachedPod,
  state: ClusterState,
): NodeCheck {
  const { topologyKey, maxSkew, minDomains = 1 } = constraint;
  const selector = selectorWithKeys(constraint, pod);
  const counts = domainCounts(constraint, all, selector, pod, state);
  const least = counts.size < minDomains ? 0 : Math.min(...counts.values());
  const self = matchesLabels(selector, pod.metadata.labels) ? 1 : 0;
  return (node) => {
    const domain = node.label(topologyKey);
    if (domain === undefined) return unresolvable(`${REASON} (missing required label)`);
    return (counts.get(domain) ?? 0) + self - (counts.size === 0 ? 0 : least) > maxSkew
      ? resolvable(REASON)
      : undefined;
  };
}

/** Matching pods in each domain that has an eligible node; domains without pods count 0. */
function domainCounts(
  constraint: Constraint,
  all: readonly Constraint[],
  selector: Selector,
  pod: CachedPod,
  state: ClusterState,
): Map<string, number> {
  const counts = new Map<string, number>();
  const eligible = (node: NodeState): boolean =>
    all.every(({ topologyKey }) => node.label(topologyKey) !== undefined) &&
    (constraint.nodeAffinityPolicy === "Ignore" || matchesNode(pod, node.node)) &&
    (constraint.nodeTaintsPolicy !== "Honor" || isFree(node, pod));
  for (const node of state.nodes) {
    if (eligible(node)) counts.set(node.label(constraint.topologyKey) ?? "", 0);
  }
  for (const placed of state.matching(pod.metadata.namespace ?? "", selector)) {
    const node = state.node(placed.nodeName);
    if (!node || placed.pod.metadata.deletionTimestamp || !eligible(node)) continue;
    const domain = node.label(constraint.topologyKey) ?? "";
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return counts;
}

const isFree = ({ node }: NodeState, pod: CachedPod): boolean =>
  !node.spec.taints?.some(
    (taint) => taint.effect !== "PreferNoSchedule" && !isTolerated(taint, pod.spec.tolerations),
  );

/** The constraint's selector, and the pod's own values of `matchLabelKeys`. */
export function selectorWithKeys(constraint: Constraint, pod: CachedPod): Selector {
  const selector = selectorOf(constraint.labelSelector);
  const own = (constraint.matchLabelKeys ?? []).flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator: "=" as const, values: [value] }];
  });
  return own.length === 0 ? selector : { ...selector, requirements: [...selector.requirements, ...own] };
}
