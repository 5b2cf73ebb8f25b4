import type { DeepReadonly, KubeObject, OwnerReference } from "../../machinery/api/meta-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";

export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";

export type CachedObject = DeepReadonly<KubeObject>;
type Owners = readonly DeepReadonly<OwnerReference>[];

/** An object as the collector sees it. One that was never seen, only named as an owner, has no object. */
export interface GraphNode {
  readonly uid: string;
  descriptor: ResourceDescriptor | undefined;
  object: CachedObject | undefined;
  owners: Owners;
  readonly dependents: Set<GraphNode>;
}

// Upstream: pkg/controller/garbagecollector/graph_builder.go.
/** Who owns whom, kept up object by object. Answers which objects are worth a look after each change. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();

  node(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get nodes(): Iterable<GraphNode> {
    return this.#nodes.values();
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** An object is there, or changed. Resolves to the uids that may have something to do now. */
  set(descriptor: ResourceDescriptor, object: CachedObject): string[] {
    const { uid } = object.metadata;
    const node = this.#nodes.get(uid) ?? this.#addNode(uid);
    const before = node.object;
    node.descriptor = descriptor;
    node.object = object;
    this.#setOwners(node, object.metadata.ownerReferences ?? []);
    return worthALook(node, before);
  }

  /** It is gone. */
  remove(uid: string): string[] {
    const node = this.#nodes.get(uid);
    if (!node) return [];
    const affected = [...node.dependents].map((dependent) => dependent.uid);
    for (const owner of this.#ownersOf(node)) {
      if (waitsForDependents(owner)) affected.push(owner.uid);
    }
    this.#setOwners(node, []);
    node.object = undefined;
    if (node.dependents.size === 0) this.#nodes.delete(uid);
    return affected;
  }

  #addNode(uid: string): GraphNode {
    const node: GraphNode = {
      uid,
      descriptor: undefined,
      object: undefined,
      owners: [],
      dependents: new Set(),
    };
    this.#nodes.set(uid, node);
    return node;
  }

  #setOwners(node: GraphNode, owners: Owners): void {
    const wanted = new Set(owners.map(({ uid }) => uid));
    for (const { uid } of node.owners) {
      if (wanted.has(uid)) continue;
      const owner = this.#nodes.get(uid);
      owner?.dependents.delete(node);
      if (owner && !owner.object && owner.dependents.size === 0) this.#nodes.delete(uid);
    }
    for (const uid of wanted) (this.#nodes.get(uid) ?? this.#addNode(uid)).dependents.add(node);
    node.owners = owners;
  }

  #ownersOf(node: GraphNode): GraphNode[] {
    return node.owners.flatMap(({ uid }) => this.#nodes.get(uid) ?? []);
  }
}

function worthALook(node: GraphNode, before: CachedObject | undefined): string[] {
  const { object } = node;
  if (!object) return [];
  const uids: string[] = [];
  if (node.owners.length > 0 && ownersChanged(before, object)) {
    // An owner may be absent; one that waits for this object may have to wait no longer.
    uids.push(node.uid, ...node.owners.map(({ uid }) => uid));
  }
  if (!isBeingDeleted(object)) return uids;
  uids.push(node.uid);
  const waits = hasFinalizer(object, FOREGROUND_FINALIZER);
  const waited = before !== undefined && isBeingDeleted(before) && hasFinalizer(before, FOREGROUND_FINALIZER);
  if (waits && !waited) for (const dependent of node.dependents) uids.push(dependent.uid);
  return uids;
}

const ownersChanged = (before: CachedObject | undefined, object: CachedObject): boolean =>
  before === undefined ||
  JSON.stringify(before.metadata.ownerReferences) !== JSON.stringify(object.metadata.ownerReferences);

export const isBeingDeleted = ({ metadata }: CachedObject): boolean =>
  metadata.deletionTimestamp !== undefined;

export const hasFinalizer = ({ metadata }: CachedObject, name: string): boolean =>
  metadata.finalizers?.includes(name) === true;

/** Deleted in the foreground: it goes after its dependents. */
export const waitsForDependents = ({ object }: GraphNode): boolean =>
  object !== undefined && isBeingDeleted(object) && hasFinalizer(object, FOREGROUND_FINALIZER);

/** Deleted with its dependents to be left behind. */
export const waitsForOrphaning = ({ object }: GraphNode): boolean =>
  object !== undefined && isBeingDeleted(object) && hasFinalizer(object, ORPHAN_FINALIZER);

/** Dependents that hold back the deletion of an owner in the foreground. */
export const blockingDependents = (owner: GraphNode): GraphNode[] =>
  [...owner.dependents].filter((dependent) =>
    dependent.owners.some((reference) => reference.uid === owner.uid && reference.blockOwnerDeletion),
  );
