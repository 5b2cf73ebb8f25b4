import type { Clock, Timer } from "../../machinery/api/clock.js";
import { type Pod, type PodStatus, pods } from "../../machinery/api/core-v1.js";
import { TransportError } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import { isConflict, isNotFound } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { Limiter } from "./limiter.js";
import { statusPatch } from "./status-patch.js";

export interface StatusManagerOptions {
  client: RestClient;
  clock: Clock;
  logger: Logger;
  /** Aborted when the node crashes or the process stops: nothing is written afterwards. */
  signal: AbortSignal;
  /** A pod that has not started anything yet is reported after this, so that a quick start is one write. */
  pendingDelayMs?: number;
}

interface Entry {
  pod: Pod;
  /** What the server is known to have. */
  stored: PodStatus;
  storedVersion: number;
  wanted?: PodStatus;
  timer?: Timer;
  writing?: Promise<void>;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;
const WRITES_AT_ONCE = 8;

/**
 * The one writer of the statuses of a node's pods. Changes that come while a write is under way become one further
 * write; only differences are sent; writes are repeated until the server has answered.
 */
export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #limiter = new Limiter(WRITES_AT_ONCE);

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  /** What was last asked to be written, or is stored. */
  statusOf(uid: string): PodStatus | undefined {
    const entry = this.#entries.get(uid);
    return entry?.wanted ?? entry?.stored;
  }

  set(pod: Pod, status: PodStatus): void {
    const entry = this.#entry(pod);
    entry.wanted = status;
    entry.timer?.cancel();
    delete entry.timer;
    const delayMs = isUntouched(status) ? (this.#options.pendingDelayMs ?? 25) : 0;
    if (delayMs === 0) this.#start(entry);
    else entry.timer = this.#options.clock.setTimer(delayMs, () => this.#start(entry));
  }

  /** A newer version of the pod arrived: another writer's change of what is ours is written over. */
  observe(pod: Pod): void {
    const entry = this.#entries.get(pod.metadata.uid);
    const version = Number(pod.metadata.resourceVersion);
    if (!entry || version <= entry.storedVersion) return;
    const changed = statusPatch(pod.metadata.uid, entry.stored, pod.status) !== undefined;
    entry.pod = pod;
    entry.stored = pod.status;
    entry.storedVersion = version;
    if (changed && entry.wanted && !entry.timer && !entry.writing) this.#start(entry);
  }

  /** Resolves when the server has what was last set, or the pod is gone. */
  async flush(uid: string): Promise<void> {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    if (entry.timer) {
      entry.timer.cancel();
      delete entry.timer;
      this.#start(entry);
    }
    await entry.writing;
  }

  /** Removes the object: nothing of the pod is left on this node. */
  async finish(pod: Pod): Promise<void> {
    await this.flush(pod.metadata.uid);
    await this.#retried("Could not delete a pod that has ended", pod, () =>
      this.#options.client.delete(pods, podAt(pod), {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      }),
    );
    this.forget(pod.metadata.uid);
  }

  forget(uid: string): void {
    this.#entries.get(uid)?.timer?.cancel();
    this.#entries.delete(uid);
  }

  #entry(pod: Pod): Entry {
    const known = this.#entries.get(pod.metadata.uid);
    if (known) return known;
    const entry = { pod, stored: pod.status, storedVersion: Number(pod.metadata.resourceVersion) };
    this.#entries.set(pod.metadata.uid, entry);
    return entry;
  }

  #start(entry: Entry): void {
    delete entry.timer;
    if (this.#options.signal.aborted) return;
    entry.writing ??= this.#writeAll(entry);
  }

  async #writeAll(entry: Entry): Promise<void> {
    try {
      for (;;) {
        // Whatever else the current turn changes goes into the same write.
        await Promise.resolve();
        const patch = entry.wanted && statusPatch(entry.pod.metadata.uid, entry.stored, entry.wanted);
        if (!patch || this.#entries.get(entry.pod.metadata.uid) !== entry) return;
        const sent = entry.wanted;
        const stored = await this.#send(entry.pod, patch);
        if (!stored) return this.forget(entry.pod.metadata.uid);
        const version = Number(stored.metadata.resourceVersion);
        if (version > entry.storedVersion)
          Object.assign(entry, { stored: stored.status, storedVersion: version });
        // A server that does not keep a field as sent is not asked again and again.
        if (entry.wanted === sent) return;
      }
    } catch (err) {
      if (!this.#options.signal.aborted) this.#options.logger.error("A status writer failed", { err });
    } finally {
      // In the moment that found nothing left to write: what is set later starts a write of its own.
      delete entry.writing;
    }
  }

  #send(pod: Pod, body: object): Promise<Pod | undefined> {
    const { client, signal } = this.#options;
    return this.#retried("Could not write a pod's status", pod, () =>
      client.patch(pods, podAt(pod), { type: "strategic", body }, { subresource: "status", signal }),
    );
  }

  /** Undefined when the pod is gone, or another has its name. */
  async #retried<T>(failure: string, pod: Pod, call: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger, signal } = this.#options;
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await this.#limiter.run(call);
      } catch (err) {
        if (isNotFound(err) || isConflict(err)) return undefined;
        signal.throwIfAborted();
        const keys = { namespace: pod.metadata.namespace, pod: pod.metadata.name, err };
        // A server that is away is noticed by all pods at once and said elsewhere.
        if (err instanceof TransportError) logger.debug(failure, keys);
        else logger.warn(failure, keys);
      }
      await clock.sleep(delayMs, signal);
    }
  }
}

const podAt = ({ metadata }: Pod): { namespace?: string; name: string } => ({
  ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
  name: metadata.name,
});

const isUntouched = (status: PodStatus): boolean =>
  status.phase === "Pending" &&
  [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].every(
    ({ state }) =>
      state.waiting?.reason === "ContainerCreating" || state.waiting?.reason === "PodInitializing",
  );
