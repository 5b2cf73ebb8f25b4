import { type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import type { WatchEvent } from "../machinery/api/meta-v1.js";
import { objectKey, type ResourceDescriptor } from "../machinery/api/resource.js";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { TransportError } from "../machinery/api/http.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { PodRecord, ServiceRecord } from "./history.js";

/** Writes down every state of Pods and Services that a watch shows, for the checkers. */
export class ClusterWatcher {
  readonly pods: PodRecord[] = [];
  readonly services: ServiceRecord[] = [];
  readonly #cluster: ClusterAccess;

  constructor(cluster: ClusterAccess) {
    this.#cluster = cluster;
  }

  /** Resolves once the present state is recorded; `done` resolves when the signal has ended the watches. */
  async start(signal: AbortSignal): Promise<{ done: Promise<void> }> {
    const loops = await Promise.all([
      this.#follow(pods, (event, atMs) => this.pods.push(podRecord(event, atMs)), signal),
      this.#follow(services, (event, atMs) => this.services.push(serviceRecord(event, atMs)), signal),
    ]);
    return { done: Promise.all(loops.map(({ loop }) => loop)).then(() => {}) };
  }

  async #follow<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    record: (event: WatchEvent<T>, atMs: number) => void,
    signal: AbortSignal,
  ): Promise<{ loop: Promise<void> }> {
    const { client, clock } = this.#cluster;
    const list = await client.list(descriptor);
    for (const object of list.items) record({ type: "ADDED", object }, clock.nowMs());
    return { loop: this.#watch(descriptor, list.metadata.resourceVersion, record, signal) };
  }

  /** Goes on from the last event when a stream is cut; a restarted API server still has the history. */
  async #watch<T extends KubeObject>(
    descriptor: ResourceDescriptor<T>,
    from: string,
    record: (event: WatchEvent<T>, atMs: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock } = this.#cluster;
    let resourceVersion = from;
    while (!signal.aborted) {
      try {
        for await (const event of client.watch(descriptor, { resourceVersion, signal })) {
          resourceVersion = event.object.metadata.resourceVersion;
          if (event.type !== "BOOKMARK") record(event, clock.nowMs());
        }
      } catch (err) {
        if (signal.aborted) return;
        if (!(err instanceof TransportError)) throw err;
      }
      if (!signal.aborted) await clock.sleep(RECONNECT_MS);
    }
  }
}

const RECONNECT_MS = 50;

const recordedEvent = (type: WatchEvent["type"]): PodRecord["event"] =>
  type === "ADDED" || type === "DELETED" ? type : "MODIFIED";

const podRecord = ({ type, object }: WatchEvent<Pod>, atMs: number): PodRecord => ({
  atMs,
  event: recordedEvent(type),
  pod: objectKey(object),
  uid: object.metadata.uid,
  labels: object.metadata.labels ?? {},
  ...(object.status.podIP ? { ip: object.status.podIP } : {}),
  ready: object.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
  terminating: object.metadata.deletionTimestamp !== undefined,
});

const serviceRecord = ({ type, object }: WatchEvent<Service>, atMs: number): ServiceRecord => ({
  atMs,
  event: recordedEvent(type),
  service: objectKey(object),
  ...(object.spec.clusterIP ? { clusterIP: object.spec.clusterIP } : {}),
  ...(object.spec.selector ? { selector: object.spec.selector } : {}),
});
