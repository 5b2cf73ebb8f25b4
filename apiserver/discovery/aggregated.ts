import type { GroupVersionKind } from "../../machinery/api/resource.js";
import type { DiscoveredResource, DiscoveredSubresource, ServedGroup, ServedVersion } from "./groups.js";

/** apidiscovery.k8s.io APIGroupDiscoveryList: all groups with their resources in one answer. v2 and v2beta1 look alike. */
export const toAggregated = (groups: readonly ServedGroup[], version: "v2" | "v2beta1"): object => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: groups.map((group) => ({
    metadata: { ...(group.name ? { name: group.name } : {}), creationTimestamp: null },
    versions: group.versions.map(versionDiscovery),
  })),
});

const versionDiscovery = ({ version, resources }: ServedVersion): object => ({
  version,
  resources: resources.map(resourceDiscovery),
  freshness: "Current",
});

const resourceDiscovery = (resource: DiscoveredResource): object => ({
  resource: resource.plural,
  responseKind: kindOf(resource.gvk),
  scope: resource.namespaced ? "Namespaced" : "Cluster",
  singularResource: resource.singular,
  verbs: resource.verbs,
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
  ...(resource.subresources.length > 0
    ? { subresources: resource.subresources.map(subresourceDiscovery) }
    : {}),
});

const subresourceDiscovery = ({ name, gvk, verbs }: DiscoveredSubresource): object => ({
  subresource: name,
  responseKind: kindOf(gvk),
  verbs,
});

const kindOf = ({ group, version, kind }: GroupVersionKind): object => ({ group, version, kind });
