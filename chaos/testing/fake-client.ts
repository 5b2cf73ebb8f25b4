import { parseSelector } from "../../machinery/api/label-parser.js";
import { matchesLabels } from "../../machinery/api/labels.js";
import type { KubeObject, WatchEvent } from "../../machinery/api/meta-v1.js";
import { groupResource, objectKey, type ResourceDescriptor } from "../../machinery/api/resource.js";
import { newNotFound } from "../../machinery/api/status.js";
import { whenAborted } from "../../machinery/api/when-aborted.js";
import type {
  ListOptions,
  ObjectAt,
  Patch,
  RestClient,
  WatchOptions,
} from "../../machinery/client/rest-client.js";

type Tree = Record<string, unknown>;

/** What a client was asked to change: `delete pods default/web-1`. */
export interface FakeClient {
  client: RestClient;
  calls: string[];
  objects: Map<string, KubeObject>;
  /** Changes an object as somebody else would. */
  put: (object: KubeObject) => void;
  remove: (kind: string, key: string) => void;
}

const keyOf = (kind: string, key: string): string => `${kind} ${key}`;

/**
 * A client over objects in memory: get, list (label selectors, `metadata.name` and `status.phase` fields), create, update,
 * merge and strategic patches (both merged as RFC 7386), delete, watches. No defaults, no validation, no controllers.
 */
export function fakeClient(initial: readonly KubeObject[] = []): FakeClient {
  const objects = new Map<string, KubeObject>();
  const watchers = new Set<(event: WatchEvent<KubeObject>) => void>();
  const calls: string[] = [];
  let revision = 100;
  const put = (object: KubeObject): KubeObject => {
    const key = keyOf(object.kind, objectKey(object));
    const type = objects.has(key) ? "MODIFIED" : "ADDED";
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } };
    objects.set(key, stored);
    for (const tell of watchers) tell({ type, object: stored });
    return stored;
  };
  const remove = (kind: string, key: string): void => {
    const gone = objects.get(keyOf(kind, key));
    objects.delete(keyOf(kind, key));
    if (gone) for (const tell of watchers) tell({ type: "DELETED", object: gone });
  };
  const find = (descriptor: ResourceDescriptor, at: ObjectAt): KubeObject => {
    const key = at.namespace && descriptor.namespaced ? `${at.namespace}/${at.name}` : at.name;
    const found = objects.get(keyOf(descriptor.kind, key));
    if (!found) throw newNotFound(groupResource(descriptor), at.name);
    return found;
  };
  for (const object of initial) put(object);
  const note = (verb: string, { plural }: ResourceDescriptor, object: KubeObject): void =>
    void calls.push(`${verb} ${plural} ${objectKey(object)}`);
  const client = {
    get: async (descriptor: ResourceDescriptor, at: ObjectAt) => find(descriptor, at),
    list: async (descriptor: ResourceDescriptor, options: ListOptions = {}) => ({
      metadata: { resourceVersion: String(revision) },
      items: [...objects.values()].filter((object) => isListed(object, descriptor, options)),
    }),
    create: async (descriptor: ResourceDescriptor, manifest: KubeObject) => {
      note("create", descriptor, manifest);
      return put({ ...manifest, apiVersion: descriptor.apiVersion, kind: descriptor.kind });
    },
    update: async (descriptor: ResourceDescriptor, object: KubeObject) => {
      note("update", descriptor, object);
      return put(object);
    },
    patch: async (descriptor: ResourceDescriptor, at: ObjectAt, patch: Patch) => {
      const found = find(descriptor, at);
      note("patch", descriptor, found);
      return put(merge(found as unknown as Tree, patch.body as Tree) as unknown as KubeObject);
    },
    delete: async (descriptor: ResourceDescriptor, at: ObjectAt) => {
      const found = find(descriptor, at);
      note("delete", descriptor, found);
      remove(descriptor.kind, objectKey(found));
      return found;
    },
    watch: (descriptor: ResourceDescriptor, { signal }: WatchOptions) =>
      follow(watchers, ({ kind }) => kind === descriptor.kind, signal),
  };
  return { client: client as unknown as RestClient, calls, objects, put, remove };
}

function isListed(object: KubeObject, descriptor: ResourceDescriptor, options: ListOptions): boolean {
  const { namespace, labelSelector, fieldSelector } = options;
  const { status } = object as { status?: { phase?: string } };
  return (
    object.kind === descriptor.kind &&
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (!labelSelector || matchesLabels(parseSelector(labelSelector), object.metadata.labels)) &&
    (fieldSelector ?? "").split(",").every((requirement) => {
      const [path, value] = requirement.split("=");
      if (path === "metadata.name") return object.metadata.name === value;
      return path !== "status.phase" || status?.phase === value;
    })
  );
}

async function* follow(
  watchers: Set<(event: WatchEvent<KubeObject>) => void>,
  wanted: (object: KubeObject) => boolean,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<KubeObject>> {
  const queue: WatchEvent<KubeObject>[] = [];
  let wake = (): void => {};
  const tell = (event: WatchEvent<KubeObject>): void => {
    if (wanted(event.object)) queue.push(event);
    wake();
  };
  watchers.add(tell);
  const ended = whenAborted(signal);
  try {
    while (!signal.aborted) {
      const event = queue.shift();
      if (event) yield event;
      else await Promise.race([ended, new Promise<void>((resolve) => (wake = resolve))]);
    }
  } finally {
    watchers.delete(tell);
  }
}

/** RFC 7386. */
function merge(target: Tree, patch: Tree): Tree {
  const merged: Tree = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else if (typeof value === "object" && !Array.isArray(value))
      merged[name] = merge((merged[name] as Tree | undefined) ?? {}, value as Tree);
    else merged[name] = value;
  }
  return merged;
}
