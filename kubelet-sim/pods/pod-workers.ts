import { whenAborted } from "../../machinery/api/when-aborted.js";
import type { Pod } from "../../machinery/api/core-v1.js";
import { configReferences } from "../volumes/pod-volumes.js";
import type { NodeContext } from "./node-context.js";
import { admitPod, type Rejection } from "./admission.js";
import { isTerminal, PodWorker } from "./pod-worker.js";

/** The pods of one node by uid, a worker each. */
export class PodWorkers {
  readonly #node: NodeContext;
  readonly #workers = new Map<string, PodWorker>();
  readonly #running = new Set<Promise<void>>();
  /** Workers by what they read: `configmap/NAMESPACE/NAME`. */
  readonly #readers = new Map<string, Set<PodWorker>>();

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /** A pod was bound to the node, or changed. */
  upsert(pod: Pod): void {
    const { uid } = pod.metadata;
    const known = this.#workers.get(uid);
    this.#node.statuses.observe(pod);
    if (known) return known.update(pod);
    if (this.#node.stopped.aborted) return;
    const worker = new PodWorker(this.#node, pod, this.#rejection(pod));
    this.#workers.set(uid, worker);
    const references = configReferences(pod);
    for (const key of references) this.#addReader(key, worker);
    const running: Promise<void> = worker
      .run(this.#node.stopped)
      .catch((err: unknown) =>
        this.#node.logger.error("A pod worker failed", { pod: pod.metadata.name, err }),
      )
      .then(() => this.#forget(uid, references, running));
    this.#running.add(running);
  }

  removed(pod: Pod): void {
    this.#workers.get(pod.metadata.uid)?.removed();
  }

  configChanged(key: string): void {
    for (const worker of this.#readers.get(key) ?? []) worker.configChanged();
  }

  get(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      const { metadata } = worker.pod;
      if (metadata.name === name && metadata.namespace === namespace) return worker;
    }
    return undefined;
  }

  byUid(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  list(): readonly PodWorker[] {
    return [...this.#workers.values()];
  }

  /** Until the signal aborts and every worker has let go. */
  async run(signal: AbortSignal): Promise<void> {
    await whenAborted(signal);
    await Promise.all(this.#running);
  }

  /** Pods that this or an earlier kubelet has begun are not judged again. */
  #rejection(pod: Pod): Rejection | undefined {
    if (pod.status.startTime || pod.metadata.deletionTimestamp) return undefined;
    const others = this.list().flatMap(({ pod: other }) => (isTerminal(other.status) ? [] : [other]));
    return admitPod({ pod, others, allocatable: this.#node.allocatable });
  }

  #addReader(key: string, worker: PodWorker): void {
    const readers = this.#readers.get(key) ?? new Set();
    this.#readers.set(key, readers.add(worker));
  }

  #forget(uid: string, references: ReadonlySet<string>, running: Promise<void>): void {
    const worker = this.#workers.get(uid);
    this.#running.delete(running);
    if (!worker) return;
    this.#workers.delete(uid);
    for (const key of references) {
      const readers = this.#readers.get(key);
      readers?.delete(worker);
      if (readers?.size === 0) this.#readers.delete(key);
    }
  }
}
