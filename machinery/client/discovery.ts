import type { KubeObject } from "../api/meta-v1.js";
import { readBody } from "../api/http.js";
import { type ResourceDescriptor, toApiVersion } from "../api/resource.js";
import { failureOf, type RestClient } from "./rest-client.js";

export interface DiscoveredResource {
  descriptor: ResourceDescriptor;
  verbs: readonly string[];
}

const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

interface GroupList {
  items?: Group[];
}
interface Group {
  metadata?: { name?: string };
  versions?: { version: string; freshness?: string; resources?: Entry[] }[];
}
interface Entry {
  resource: string;
  singularResource?: string;
  responseKind?: { kind?: string };
  scope?: string;
  verbs?: string[];
  shortNames?: string[];
  categories?: string[];
}

/** Every resource that the server serves, each in its preferred version. */
export async function discoverResources(
  client: RestClient,
  signal?: AbortSignal,
): Promise<DiscoveredResource[]> {
  const lists = await Promise.all(["/api", "/apis"].map((path) => groupsAt(client, path, signal)));
  return lists.flatMap(({ items = [] }) => items.flatMap(resourcesOf));
}

async function groupsAt(client: RestClient, path: string, signal?: AbortSignal): Promise<GroupList> {
  const response = await client.request({ method: "GET", path, headers: { accept: ACCEPT } }, signal);
  if (response.status !== 200) throw await failureOf(response);
  return JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8")) as GroupList;
}

function resourcesOf({ metadata, versions = [] }: Group): DiscoveredResource[] {
  const group = metadata?.name ?? "";
  const found = new Map<string, DiscoveredResource>();
  for (const { version, resources = [] } of versions) {
    for (const entry of resources) {
      if (!entry.responseKind?.kind || found.has(entry.resource)) continue;
      const descriptor = toDescriptor(group, version, entry, entry.responseKind.kind);
      found.set(entry.resource, { descriptor, verbs: entry.verbs ?? [] });
    }
  }
  return [...found.values()];
}

const toDescriptor = (
  group: string,
  version: string,
  entry: Entry,
  kind: string,
): ResourceDescriptor<KubeObject> => ({
  group,
  version,
  kind,
  plural: entry.resource,
  singular: entry.singularResource ?? "",
  shortNames: entry.shortNames ?? [],
  categories: entry.categories ?? [],
  namespaced: entry.scope === "Namespaced",
  apiVersion: toApiVersion({ group, version }),
  listKind: `${kind}List`,
});
