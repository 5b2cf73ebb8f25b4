import { type Node, nodes, type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import { type EndpointSlice, endpointSlices } from "../machinery/api/discovery-v1.js";
import type { KubeObject, WatchEvent } from "../machinery/api/meta-v1.js";
import { objectKey, type ResourceDescriptor } from "../machinery/api/resource.js";
import { StatusError } from "../machinery/api/status.js";
import type { ClusterAccess } from "./cluster-access.js";
import type {
  EndpointSliceRecord,
  NodeRecord,
  PodRecord,
  RecordedEvent,
  ServiceRecord,
  WatchEventRecord,
} from "./history.js";
import { isPassing } from "./passing.js";
import { ZONE_LABEL } from "./targets.js";

const RECONNECT_MS = 50;
/** Of each kind of record; the rest is counted only. */
export const MOST_RECORDS = 200_000;

/** From where a watch goes on, and the stream that it belongs to. */
interface Position {
  resourceVersion: string;
  stream: number;
}

/** Writes down every state of Pods, Services, EndpointSlices and Nodes that a watch shows, for the checkers. */
export class ClusterWatcher {
  readonly pods: PodRecord[] = [];
  readonly services: ServiceRecord[] = [];
  readonly endpointSlices: EndpointSliceRecord[] = [];
  readonly nodes: NodeRecord[] = [];
  readonly watchEvents: WatchEventRecord[] = [];
  /** What was left out, by kind of record. */
  readonly dropped: Record<string, number> = {};
  readonly #cluster: ClusterAccess;
  readonly #nodeStates = new Map<string, string>();
  #streams = 0;

  constructor(cluster: ClusterAccess) {
    this.#cluster = cluster;
  }

  /** Resolves once the present state is recorded; `done` resolves when the signal has ended the watches. */
  async start(signal: AbortSignal): Promise<{ done: Promise<void> }> {
    const loops = await Promise.all([
      this.#follow(pods, (event, atMs) => this.#keep("pods", podRecord(event, atMs)), signal),
      this.#follow(services, (event, atMs) => this.#keep("services", serviceRecord(event, atMs)), signal),
      this.#follow(
        endpointSlices,
        (event, atMs) => this.#keep("endpointSlices", sliceRecord(event, atMs)),
        signal,
      ),
      this.#follow(nodes, (event, atMs) => this.#keepNode(nodeRecord(event, atMs)), signal),
    ]);
    return { done: Promise.all(loops.map(({ loop }) => loop)).then(() => {}) };
  }

  async #follow<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    record: (event: WatchEvent<T>, atMs: number) => void,
    signal: AbortSignal,
  ): Promise<{ loop: Promise<void> }> {
    const from = await this.#list(descriptor, record);
    return { loop: this.#watch(descriptor, from, record, signal) };
  }

  /** Records the present state, and answers with the version and the stream that go on from it. */
  async #list<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    record: (event: WatchEvent<T>, atMs: number) => void,
  ): Promise<Position> {
    const { client, clock } = this.#cluster;
    const list = await client.list(descriptor);
    const stream = this.#streams++;
    const atMs = clock.nowMs();
    for (const object of list.items) {
      this.#note(descriptor, stream, "LISTED", object, atMs);
      record({ type: "ADDED", object }, atMs);
    }
    return { resourceVersion: list.metadata.resourceVersion, stream };
  }

  /** Goes on from the last event when a stream is cut; lists anew when that is no longer kept. */
  async #watch<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    from: Position,
    record: (event: WatchEvent<T>, atMs: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#cluster;
    let position: Position | undefined = from;
    while (!signal.aborted) {
      try {
        position ??= await this.#list(descriptor, record);
        const { resourceVersion, stream }: Position = position;
        for await (const event of client.watch(descriptor, { resourceVersion, signal })) {
          position = { resourceVersion: event.object.metadata.resourceVersion, stream };
          const atMs = clock.nowMs();
          this.#note(descriptor, stream, event.type, event.object, atMs);
          if (event.type !== "BOOKMARK") record(event, atMs);
        }
      } catch (err) {
        if (signal.aborted) return;
        const expired = err instanceof StatusError && err.status.code === 410;
        if (!expired && !isPassing(err)) throw err;
        if (expired) position = undefined;
      }
      if (!signal.aborted) await clock.sleep(RECONNECT_MS);
    }
  }

  #note<T extends KubeObject>(
    { plural }: ResourceDescriptor<T>,
    stream: number,
    type: WatchEventRecord["type"],
    object: T,
    atMs: number,
  ): void {
    const { uid, resourceVersion, name } = object.metadata;
    this.#keep("watchEvents", {
      atMs,
      resource: plural,
      stream,
      type,
      key: name ? objectKey(object) : "",
      ...(uid ? { uid } : {}),
      resourceVersion,
    });
  }

  /** Heartbeats change Nodes every few seconds: only what a checker would see is worth a record. */
  #keepNode(record: NodeRecord): void {
    const { atMs: _, event, ...rest } = record;
    const state = JSON.stringify(rest);
    if (event !== "DELETED" && this.#nodeStates.get(record.node) === state) return;
    this.#nodeStates.set(record.node, state);
    this.#keep("nodes", record);
  }

  #keep<K extends "pods" | "services" | "endpointSlices" | "nodes" | "watchEvents">(
    kind: K,
    record: ClusterWatcher[K][number],
  ): void {
    const records = this[kind] as unknown[];
    if (records.length < MOST_RECORDS) records.push(record);
    else this.dropped[kind] = (this.dropped[kind] ?? 0) + 1;
  }
}

const recordedEvent = (type: WatchEvent["type"]): RecordedEvent =>
  type === "ADDED" || type === "DELETED" ? type : "MODIFIED";

const podRecord = ({ type, object }: WatchEvent<Pod>, atMs: number): PodRecord => ({
  atMs,
  event: recordedEvent(type),
  pod: objectKey(object),
  uid: object.metadata.uid,
  labels: object.metadata.labels ?? {},
  ...(object.status.podIP ? { ip: object.status.podIP } : {}),
  ...(object.spec.nodeName ? { node: object.spec.nodeName } : {}),
  ...(object.status.phase ? { phase: object.status.phase } : {}),
  ready: object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
  terminating: object.metadata.deletionTimestamp !== undefined,
  ...(object.spec.hostNetwork ? { hostNetwork: true } : {}),
  resourceVersion: object.metadata.resourceVersion,
});

const serviceRecord = ({ type, object }: WatchEvent<Service>, atMs: number): ServiceRecord => ({
  atMs,
  event: recordedEvent(type),
  service: objectKey(object),
  uid: object.metadata.uid,
  ...(object.spec.clusterIP ? { clusterIP: object.spec.clusterIP } : {}),
  ...(object.spec.selector ? { selector: object.spec.selector } : {}),
  ...(object.spec.publishNotReadyAddresses ? { publishNotReadyAddresses: true } : {}),
  resourceVersion: object.metadata.resourceVersion,
});

const sliceRecord = ({ type, object }: WatchEvent<EndpointSlice>, atMs: number): EndpointSliceRecord => ({
  atMs,
  event: recordedEvent(type),
  slice: objectKey(object),
  service: `${object.metadata.namespace ?? ""}/${object.metadata.labels?.["kubernetes.io/service-name"] ?? ""}`,
  endpoints: (object.endpoints ?? []).map(({ addresses, targetRef, nodeName, conditions }) => ({
    address: addresses[0] ?? "",
    ...(targetRef?.kind === "Pod" ? { pod: `${targetRef.namespace}/${targetRef.name}` } : {}),
    ...(nodeName ? { node: nodeName } : {}),
    // discovery/v1: an unknown condition is to be read as ready, serving as ready is, and not terminating.
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? conditions?.ready ?? true,
    terminating: conditions?.terminating ?? false,
  })),
  resourceVersion: object.metadata.resourceVersion,
});

const nodeRecord = ({ type, object }: WatchEvent<Node>, atMs: number): NodeRecord => {
  const zone = object.metadata.labels?.[ZONE_LABEL];
  return {
    atMs,
    event: recordedEvent(type),
    node: object.metadata.name,
    ready: object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
    unschedulable: object.spec.unschedulable ?? false,
    ...(zone ? { zone } : {}),
  };
};
