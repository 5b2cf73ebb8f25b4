import { formatSelector, matchesLabels, type Selector } from "../../machinery/api/labels.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { type CachedPod, isPodFinished } from "../pod-state.js";
import { type CachedNode, NodeState } from "./node-state.js";

export interface PlacedPod {
  pod: CachedPod;
  nodeName: string;
}

/** What the scheduler knows of the cluster: the cache, and pods it has placed that the cache does not show yet. */
export class ClusterState {
  readonly #nodes = new Map<string, NodeState>();
  readonly #placed = new Map<ObjectKey, PlacedPod>();
  /** Pods by namespace and label pair. */
  readonly #byLabel = new Map<string, Map<ObjectKey, PlacedPod>>();
  readonly #byNamespace = new Map<string, Map<ObjectKey, PlacedPod>>();
  readonly #antiAffine = new Map<ObjectKey, PlacedPod>();
  #list: NodeState[] | undefined;

  /** All nodes, in the order in which they came. The array is not to be changed. */
  get nodes(): readonly NodeState[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeState | undefined {
    return this.#nodes.get(name);
  }

  setNode(node: CachedNode): void {
    const known = this.#nodes.get(node.metadata.name);
    if (known) return known.update(node);
    const state = new NodeState(node);
    this.#nodes.set(state.name, state);
    this.#list = undefined;
    // Pods may be known before their node.
    for (const { pod, nodeName } of this.#placed.values()) if (nodeName === state.name) state.add(pod);
  }

  removeNode(name: string): void {
    if (this.#nodes.delete(name)) this.#list = undefined;
  }

  /** A pod on a node, or a newer state of it. */
  setPod(pod: CachedPod, nodeName: string): void {
    const key = objectKey(pod);
    this.removePod(key);
    if (isPodFinished(pod)) return;
    const placed = { pod, nodeName };
    this.#placed.set(key, placed);
    for (const bucket of bucketsOf(pod)) insert(this.#byLabel, bucket, key, placed);
    insert(this.#byNamespace, pod.metadata.namespace ?? "", key, placed);
    if (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) {
      this.#antiAffine.set(key, placed);
    }
    this.#nodes.get(nodeName)?.add(pod);
  }

  removePod(key: ObjectKey): void {
    const placed = this.#placed.get(key);
    if (!placed) return;
    this.#placed.delete(key);
    for (const bucket of bucketsOf(placed.pod)) withdraw(this.#byLabel, bucket, key);
    withdraw(this.#byNamespace, placed.pod.metadata.namespace ?? "", key);
    this.#antiAffine.delete(key);
    this.#nodes.get(placed.nodeName)?.remove(key);
  }

  has(key: ObjectKey): boolean {
    return this.#placed.has(key);
  }

  /** Pods that keep others away by required anti-affinity. */
  get antiAffinePods(): Iterable<PlacedPod> {
    return this.#antiAffine.values();
  }

  get namespaces(): Iterable<string> {
    return this.#byNamespace.keys();
  }

  /** Placed pods of a namespace that a selector matches, found through one of its exact labels where it has any. */
  matching(namespace: string, selector: Selector): PlacedPod[] {
    if (selector.nothing) return [];
    const exact = selector.requirements.find(({ operator }) => operator === "=");
    const candidates = exact
      ? this.#byLabel.get(`${namespace}\n${formatSelector({ requirements: [exact] })}`)
      : this.#byNamespace.get(namespace);
    return [...(candidates?.values() ?? [])].filter(({ pod }) =>
      matchesLabels(selector, pod.metadata.labels),
    );
  }
}

const bucketsOf = ({ metadata }: CachedPod): string[] =>
  Object.entries(metadata.labels ?? {}).map(([key, value]) => `${metadata.namespace}\n${key}=${value}`);

function insert<V>(buckets: Map<string, Map<ObjectKey, V>>, bucket: string, key: ObjectKey, value: V): void {
  const found = buckets.get(bucket);
  if (found) found.set(key, value);
  else buckets.set(bucket, new Map([[key, value]]));
}

function withdraw<V>(buckets: Map<string, Map<ObjectKey, V>>, bucket: string, key: ObjectKey): void {
  const found = buckets.get(bucket);
  found?.delete(key);
  if (found?.size === 0) buckets.delete(bucket);
}
