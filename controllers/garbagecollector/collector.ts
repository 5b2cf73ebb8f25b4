import type { DeepReadonly, DeleteOptions, OwnerReference } from "../../machinery/api/meta-v1.js";
import { objectKey, type ResourceDescriptor } from "../../machinery/api/resource.js";
import { isConflict, isNotFound } from "../../machinery/api/status.js";
import { RecentMap } from "../../machinery/client/recent-map.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { ReconcileResult } from "../workers.js";
import {
  blockingDependents,
  type CachedObject,
  FOREGROUND_FINALIZER,
  type GraphNode,
  hasFinalizer,
  isBeingDeleted,
  ORPHAN_FINALIZER,
  type OwnerGraph,
  waitsForDependents,
  waitsForOrphaning,
} from "./graph.js";

type Reference = DeepReadonly<OwnerReference>;
interface Present {
  descriptor: ResourceDescriptor;
  object: CachedObject;
}

/** An owner once found absent stays absent: uids are never used again. */
const MOST_ABSENT_REMEMBERED = 10_000;

// Upstream: pkg/controller/garbagecollector/garbagecollector.go.
/** What is to be done about one object of the graph. */
export class Collector {
  readonly #client: RestClient;
  readonly #graph: OwnerGraph;
  readonly #kindOf: (apiVersion: string, kind: string) => ResourceDescriptor | undefined;
  readonly #cached: (descriptor: ResourceDescriptor, key: string) => CachedObject | undefined;
  readonly #enqueue: (uid: string) => void;
  readonly #absent = new RecentMap<string, true>(MOST_ABSENT_REMEMBERED);

  constructor(options: {
    client: RestClient;
    graph: OwnerGraph;
    kindOf: (apiVersion: string, kind: string) => ResourceDescriptor | undefined;
    cached: (descriptor: ResourceDescriptor, key: string) => CachedObject | undefined;
    enqueue: (uid: string) => void;
  }) {
    this.#client = options.client;
    this.#graph = options.graph;
    this.#kindOf = options.kindOf;
    this.#cached = options.cached;
    this.#enqueue = options.enqueue;
  }

  async process(uid: string): Promise<ReconcileResult> {
    const node = this.#graph.node(uid);
    if (!node?.object || !node.descriptor) return undefined;
    const present = { descriptor: node.descriptor, object: node.object };
    try {
      if (waitsForOrphaning(node)) await this.#orphanDependents(node, present);
      else if (waitsForDependents(node)) await this.#finishForeground(node, present);
      else if (!isBeingDeleted(node.object) && node.owners.length > 0) await this.#collect(node, present);
    } catch (err) {
      // Gone meanwhile, or changed: the change brings it back here.
      if (isNotFound(err)) return undefined;
      if (isConflict(err)) return { requeueAfterMs: 50 };
      throw err;
    }
    return undefined;
  }

  /** Removes the finalizer once nothing blocks any more; sends those that do on their way. */
  async #finishForeground(node: GraphNode, present: Present): Promise<void> {
    const blocking = blockingDependents(node);
    if (blocking.length === 0) return this.#removeFinalizer(present, FOREGROUND_FINALIZER);
    for (const dependent of blocking) if (!waitsForDependents(dependent)) this.#enqueue(dependent.uid);
  }

  async #orphanDependents(node: GraphNode, present: Present): Promise<void> {
    const dependents = Array.from(node.dependents);
    for (const { descriptor, object } of dependents) {
      if (!descriptor || !object) continue;
      const ownerReferences = [{ $patch: "delete", uid: node.uid }];
      const body = { metadata: { uid: object.metadata.uid, ownerReferences } };
      try {
        await this.#client.patch(descriptor, object.metadata, { type: "strategic", body });
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
    await this.#removeFinalizer(present, ORPHAN_FINALIZER);
  }

  /** Deletes an object all of whose owners are gone or wait for it; else takes the gone ones off it. */
  async #collect(node: GraphNode, present: Present): Promise<void> {
    const { solid, dangling, waiting } = await this.#classify(node);
    if (solid.length > 0) {
      const gone = [...dangling, ...waiting];
      if (gone.length > 0) await this.#dropOwners(present, gone);
      return;
    }
    if (waiting.length > 0 && node.dependents.size > 0) {
      // Its dependents are deleted first, unless one of them waits in turn for this one.
      for (const dependent of node.dependents) {
        if (waitsForDependents(dependent)) await this.#unblock(present);
      }
      return this.#delete(present, "Foreground");
    }
    await this.#delete(present, policyFrom(present.object));
  }

  async #classify(node: GraphNode): Promise<Record<"solid" | "dangling" | "waiting", Reference[]>> {
    const found = { solid: [] as Reference[], dangling: [] as Reference[], waiting: [] as Reference[] };
    for (const reference of node.owners) {
      const owner = await this.#owner(reference, node.object?.metadata.namespace);
      if (!owner) found.dangling.push(reference);
      else if (isBeingDeleted(owner) && hasFinalizer(owner, FOREGROUND_FINALIZER))
        found.waiting.push(reference);
      else found.solid.push(reference);
    }
    return found;
  }

  /** The cache first; only an owner that is missing there is asked for, once. */
  async #owner(reference: Reference, namespace: string | undefined): Promise<CachedObject | undefined> {
    if (this.#absent.get(reference.uid)) return undefined;
    const known = this.#graph.node(reference.uid)?.object;
    if (known) return known;
    const descriptor = this.#kindOf(reference.apiVersion, reference.kind);
    if (!descriptor) throw new RangeError(`no resource for owner ${reference.apiVersion} ${reference.kind}`);
    const at = { name: reference.name, ...(descriptor.namespaced ? { namespace } : {}) };
    const cached = this.#cached(descriptor, objectKey({ metadata: at }));
    if (cached?.metadata.uid === reference.uid) return cached;
    try {
      const live = await this.#client.get(descriptor, at);
      if (live.metadata.uid === reference.uid) return live;
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    this.#absent.set(reference.uid, true);
    return undefined;
  }

  async #dropOwners({ descriptor, object }: Present, gone: readonly Reference[]): Promise<void> {
    const ownerReferences = gone.map(({ uid }) => ({ $patch: "delete", uid }));
    const body = { metadata: { uid: object.metadata.uid, ownerReferences } };
    await this.#client.patch(descriptor, object.metadata, { type: "strategic", body });
  }

  async #unblock({ descriptor, object }: Present): Promise<void> {
    const ownerReferences = (object.metadata.ownerReferences ?? []).map((reference) => ({
      ...reference,
      blockOwnerDeletion: false,
    }));
    const { uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences } };
    await this.#client.patch(descriptor, object.metadata, { type: "merge", body });
  }

  async #removeFinalizer({ descriptor, object }: Present, name: string): Promise<void> {
    const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
    const { uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, finalizers } };
    await this.#client.patch(descriptor, object.metadata, { type: "merge", body });
  }

  /** Only while it is as the cache has it: a newer version may have new owners. */
  async #delete(
    { descriptor, object }: Present,
    propagationPolicy: NonNullable<DeleteOptions["propagationPolicy"]>,
  ): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    const preconditions = { uid, resourceVersion };
    await this.#client.delete(descriptor, object.metadata, { propagationPolicy, preconditions });
  }
}

const policyFrom = (object: CachedObject): NonNullable<DeleteOptions["propagationPolicy"]> =>
  hasFinalizer(object, ORPHAN_FINALIZER)
    ? "Orphan"
    : hasFinalizer(object, FOREGROUND_FINALIZER)
      ? "Foreground"
      : "Background";
