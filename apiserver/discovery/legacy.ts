import type { DiscoveredResource, ServedGroup, ServedVersion } from "./groups.js";

/** The documents under /api and /apis as every client knows them. */
export const apiVersions = (core: ServedGroup, serverAddress: string): object => ({
  kind: "APIVersions",
  versions: core.versions.map(({ version }) => version),
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
});

export const apiGroupList = (groups: readonly ServedGroup[]): object => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groups.map(groupVersions),
});

export const apiGroup = (group: ServedGroup): object => ({
  kind: "APIGroup",
  apiVersion: "v1",
  ...groupVersions(group),
});

function groupVersions({ name, versions }: ServedGroup): object {
  const entries = versions.map(({ apiVersion, version }) => ({ groupVersion: apiVersion, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** The core group's list has no apiVersion: older than the field. */
export const apiResourceList = ({ group, apiVersion, resources }: ServedVersion): object => ({
  kind: "APIResourceList",
  ...(group === "" ? {} : { apiVersion: "v1" }),
  groupVersion: apiVersion,
  resources: resources.flatMap((resource) => [apiResource(resource), ...subresourcesOf(resource)]),
});

const apiResource = (resource: DiscoveredResource): object => ({
  name: resource.plural,
  singularName: resource.singular,
  namespaced: resource.namespaced,
  kind: resource.gvk.kind,
  verbs: resource.verbs,
  ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
  ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
});

const subresourcesOf = ({ plural, namespaced, gvk: own, subresources }: DiscoveredResource): object[] =>
  subresources.map(({ name, gvk, verbs }) => ({
    name: `${plural}/${name}`,
    singularName: "",
    namespaced,
    ...(gvk.group === own.group && gvk.version === own.version
      ? {}
      : { group: gvk.group, version: gvk.version }),
    kind: gvk.kind,
    verbs,
  }));
