import type { KubeObject } from "./meta-v1.js";

export interface GroupVersion {
  /** "" is the core group. */
  group: string;
  version: string;
}
export interface GroupResource {
  group: string;
  /** Plural. */
  resource: string;
}
export interface GroupVersionKind extends GroupVersion {
  kind: string;
}

/** What both ends of the wire agree on about a kind. `T` is its object type. */
export interface ResourceDescriptor<T extends KubeObject = KubeObject> extends GroupVersion {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  /** `PodList`. */
  readonly listKind: string;
  /** Carries the object type; never set. */
  readonly objectType?: T;
}

export interface ResourceNames {
  plural: string;
  singular?: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** Default true. */
  namespaced?: boolean;
}

/** Declares a resource. */
export function resource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  names: ResourceNames,
): ResourceDescriptor<T> {
  const { group, version } = parseGroupVersion(apiVersion);
  return {
    group,
    version,
    kind,
    apiVersion,
    plural: names.plural,
    singular: names.singular ?? kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: names.namespaced ?? true,
    listKind: `${kind}List`,
  };
}

export function parseGroupVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf("/");
  return slash < 0
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export const toApiVersion = ({ group, version }: GroupVersion): string =>
  group === "" ? version : `${group}/${version}`;

/** `pods`, `deployments.apps`: how messages name a resource. */
export const qualified = ({ group, resource: plural }: GroupResource): string =>
  group === "" ? plural : `${plural}.${group}`;

export const groupResource = (descriptor: { group: string; plural: string }): GroupResource => ({
  group: descriptor.group,
  resource: descriptor.plural,
});

/** REST path of a resource or object: `/apis/apps/v1/namespaces/default/deployments/web/status`. */
export function resourcePath(
  descriptor: ResourceDescriptor,
  at: { namespace?: string; name?: string; subresource?: string } = {},
): string {
  const root = descriptor.group === "" ? `/api/${descriptor.version}` : `/apis/${descriptor.apiVersion}`;
  const scope =
    descriptor.namespaced && at.namespace ? `/namespaces/${encodeURIComponent(at.namespace)}` : "";
  const name = at.name ? `/${encodeURIComponent(at.name)}` : "";
  return `${root}${scope}/${descriptor.plural}${name}${at.subresource ? `/${at.subresource}` : ""}`;
}

/** `namespace/name`, or `name` for cluster-scoped objects: the key of queues and caches. */
export type ObjectKey = string;
export const objectKey = (object: {
  metadata: { namespace?: string | undefined; name: string };
}): ObjectKey =>
  object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name;
export function splitObjectKey(key: ObjectKey): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
