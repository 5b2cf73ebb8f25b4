import { matchesLabels } from "../../../machinery/api/labels.js";
import type { PodAffinityTerm } from "../../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../../machinery/api/meta-v1.js";
import type { CachedPod } from "../../pod-state.js";
import { selectorOf, selects } from "../../selector-cache.js";
import type { PlacedPod } from "../cluster-state.js";
import { type Filter, type FilterContext, resolvable, unresolvable } from "../filter.js";
import type { NodeState } from "../node-state.js";

export type Term = DeepReadonly<PodAffinityTerm>;

// Upstream: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go.
export const interPodAffinity: Filter = {
  name: "InterPodAffinity",
  prepare(pod, context) {
    const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
    const wanted = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const unwanted = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const keptAway = domainsKeptByOthers(pod, context);
    if (wanted.length === 0 && unwanted.length === 0 && keptAway.size === 0) return undefined;
    const near = affinityDomains(pod, wanted, context);
    const avoided = new Set(unwanted.flatMap((term) => [...domainsOf(term, pod, context).keys()]));
    return (node) => {
      if (wanted.length > 0 && !near(node)) return unresolvable("node(s) didn't match pod affinity rules");
      if (isIn(node, unwanted, avoided)) return resolvable("node(s) didn't match pod anti-affinity rules");
      return Object.entries(node.node.metadata.labels ?? {}).some(([key, value]) =>
        keptAway.has(`${key}=${value}`),
      )
        ? resolvable("node(s) didn't satisfy existing pods anti-affinity rules")
        : undefined;
    };
  },
};

/** Domains from which pods that are already there keep this one away. */
function domainsKeptByOthers(pod: CachedPod, context: FilterContext): Set<string> {
  const domains = new Set<string>();
  for (const placed of context.state.antiAffinePods) {
    const terms =
      placed.pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const term of terms) {
      if (termMatches(term, placed.pod, pod, context)) addDomain(domains, term, placed, context);
    }
  }
  return domains;
}

/** A node is near when each term's domain holds a pod that all terms match; the first of a group may go anywhere. */
function affinityDomains(
  pod: CachedPod,
  terms: readonly Term[],
  context: FilterContext,
): (node: NodeState) => boolean {
  const [first] = terms;
  if (!first) return () => true;
  const placed = podsMatching(first, pod, context).filter((candidate) =>
    terms.every((term) => termMatches(term, pod, candidate.pod, context)),
  );
  if (placed.length === 0 && terms.every((term) => termMatches(term, pod, pod, context))) {
    return (node) => terms.every((term) => node.label(term.topologyKey) !== undefined);
  }
  const domains = terms.map((term) => {
    const found = new Set<string>();
    for (const one of placed) addDomain(found, term, one, context);
    return { term, found };
  });
  return (node) =>
    domains.every(({ term, found }) => found.has(`${term.topologyKey}=${node.label(term.topologyKey)}`));
}

/** `key=value` of every domain that holds a pod which the term matches. */
export function domainsOf(term: Term, pod: CachedPod, context: FilterContext): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { nodeName } of podsMatching(term, pod, context)) {
    const value = context.state.node(nodeName)?.label(term.topologyKey);
    if (value === undefined) continue;
    const domain = `${term.topologyKey}=${value}`;
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return counts;
}

const isIn = (node: NodeState, terms: readonly Term[], domains: Set<string>): boolean =>
  terms.some(({ topologyKey }) => domains.has(`${topologyKey}=${node.label(topologyKey)}`));

function addDomain(domains: Set<string>, term: Term, placed: PlacedPod, context: FilterContext): void {
  const value = context.state.node(placed.nodeName)?.label(term.topologyKey);
  if (value !== undefined) domains.add(`${term.topologyKey}=${value}`);
}

function podsMatching(term: Term, pod: CachedPod, context: FilterContext): PlacedPod[] {
  const selector = selectorOf(term.labelSelector);
  return [...context.state.namespaces]
    .filter((namespace) => concernsNamespace(term, pod, namespace, context))
    .flatMap((namespace) => context.state.matching(namespace, selector));
}

/** Whether a term of `owner` speaks of `other`. */
function termMatches(term: Term, owner: CachedPod, other: CachedPod, context: FilterContext): boolean {
  return (
    concernsNamespace(term, owner, other.metadata.namespace ?? "", context) &&
    matchesLabels(selectorOf(term.labelSelector), other.metadata.labels)
  );
}

function concernsNamespace(term: Term, owner: CachedPod, namespace: string, context: FilterContext): boolean {
  if (!term.namespaces?.length && !term.namespaceSelector) return namespace === owner.metadata.namespace;
  if (term.namespaces?.includes(namespace)) return true;
  return (
    term.namespaceSelector !== undefined &&
    selects(term.namespaceSelector, context.namespaceLabels(namespace))
  );
}
