import { type GroupVersionKind, toApiVersion } from "../../machinery/api/resource.js";
import type { ServedResource } from "../registry/serve.js";

/** What discovery and OpenAPI say about a server: its resources by group and version. */
export interface ServedGroup {
  /** "" is the core group. */
  name: string;
  /** Preferred first. */
  versions: readonly ServedVersion[];
}

export interface ServedVersion {
  group: string;
  version: string;
  /** `v1`, `apps/v1`. */
  apiVersion: string;
  /** By plural name. */
  resources: readonly DiscoveredResource[];
}

export interface DiscoveredResource {
  plural: string;
  singular: string;
  namespaced: boolean;
  gvk: GroupVersionKind;
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  /** By name. */
  subresources: readonly DiscoveredSubresource[];
}

export interface DiscoveredSubresource {
  name: string;
  gvk: GroupVersionKind;
  verbs: readonly string[];
}

export const STORED_VERBS: readonly string[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** Order in which the aggregator lists the built-in groups; others follow by name. */
const GROUP_ORDER = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "resource.k8s.io",
];

export function toGroups(resources: readonly ServedResource[]): readonly ServedGroup[] {
  const byGroup = groupBy(resources, ({ descriptor }) => descriptor.group);
  return [...byGroup]
    .toSorted(([a], [b]) => rankOf(a) - rankOf(b) || compare(a, b))
    .map(([name, served]) => ({ name, versions: toVersions(name, served) }));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const members = groups.get(keyOf(item));
    if (members) members.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

const rankOf = (group: string): number => {
  const rank = GROUP_ORDER.indexOf(group);
  return rank < 0 ? GROUP_ORDER.length : rank;
};
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function toVersions(group: string, served: readonly ServedResource[]): ServedVersion[] {
  const byVersion = groupBy(served, ({ descriptor }) => descriptor.version);
  return [...byVersion]
    .toSorted(([a], [b]) => compareVersions(a, b))
    .map(([version, resources]) => ({
      group,
      version,
      apiVersion: toApiVersion({ group, version }),
      resources: resources.map(discover).toSorted((a, b) => compare(a.plural, b.plural)),
    }));
}

/** v2 before v1 before v1beta2 before v1alpha1 (apimachinery version.CompareKubeAwareVersionStrings). */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version));
  if (!left || !right) return left ? -1 : right ? 1 : compare(a, b);
  const stability = (match: RegExpExecArray): number =>
    ["alpha", "beta"].indexOf(match[2] ?? "") + (match[2] ? 0 : 3);
  return (
    stability(right) - stability(left) ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}

function discover(served: ServedResource): DiscoveredResource {
  const { descriptor } = served;
  const { group, version, kind } = descriptor;
  const verbs = served.verbs ?? (served.virtual ? ["create"] : STORED_VERBS);
  return {
    plural: descriptor.plural,
    singular: descriptor.singular,
    namespaced: descriptor.namespaced,
    gvk: { group, version, kind },
    verbs: verbs.toSorted(),
    shortNames: descriptor.shortNames,
    categories: descriptor.categories,
    subresources: Object.entries(served.subresources ?? {})
      .map(([name, subresource]): DiscoveredSubresource => {
        // A log is read, not connected to: discovery calls it by the kind it belongs to.
        const own = subresource.kind === "view" || name === "log" ? descriptor : subresource.descriptor;
        return {
          name,
          gvk: { group: own.group, version: own.version, kind: own.kind },
          verbs: subresource.verbs.toSorted(),
        };
      })
      .toSorted((a, b) => compare(a.name, b.name)),
  };
}
