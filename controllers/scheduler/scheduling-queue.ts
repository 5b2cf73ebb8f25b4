import type { Clock, Timer } from "../../machinery/api/clock.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import type { CachedPod } from "../pod-state.js";

const FIRST_BACKOFF_MS = 1000;
const MOST_BACKOFF_MS = 10_000;
/** Even without a hint that things changed, pods are tried again after this long. */
const LONGEST_UNSCHEDULABLE_MS = 5 * 60 * 1000;

interface Entry {
  key: ObjectKey;
  pod: CachedPod;
  attempts: number;
  /** Order of arrival, the second criterion after priority. */
  order: number;
  place: "active" | "backoff" | "unschedulable" | "scheduling";
  /** Filters that rejected it the last time: only changes that concern them help. */
  rejectedBy: ReadonlySet<string>;
  backoffUntilMs: number;
  /** May be tried before its back-off is over when nothing else waits: it failed for want of room, not by an error. */
  early: boolean;
  timer?: Timer;
}

// Upstream: pkg/scheduler/backend/queue/scheduling_queue.go.
/** Pods that want a node: ready to be tried, waiting out a back-off, or waiting for the cluster to change. */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #entries = new Map<ObjectKey, Entry>();
  /** By priority, the highest first; each in order of arrival. */
  readonly #active = new Map<number, Map<ObjectKey, Entry>>();
  #activeCount = 0;
  readonly #backoff = new Map<ObjectKey, Entry>();
  readonly #unschedulable = new Map<ObjectKey, Entry>();
  #order = 0;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  get unschedulableCount(): number {
    return this.#unschedulable.size;
  }

  /** A pod without a node, or a newer state of one. A change of its spec or labels makes it worth another try. */
  set(pod: CachedPod, worthRetry: boolean): void {
    const key = objectKey(pod);
    const entry = this.#entries.get(key);
    if (!entry) return this.#activate(this.#newEntry(key, pod));
    entry.pod = pod;
    if (worthRetry && entry.place === "unschedulable") this.#retry(entry);
  }

  delete(key: ObjectKey): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#leave(entry);
    this.#entries.delete(key);
  }

  /** The next pod to try; undefined when the signal aborts first. `done` or one of the `fail` calls must follow. */
  async pop(signal: AbortSignal): Promise<CachedPod | undefined> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const entry = this.#first();
        if (entry) {
          this.#leave(entry);
          entry.place = "scheduling";
          entry.attempts++;
          return entry.pod;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      return undefined;
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  /** No node fits: wait until the cluster changes in a way that concerns these filters. */
  failUnschedulable(key: ObjectKey, rejectedBy: ReadonlySet<string>): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== "scheduling") return;
    entry.rejectedBy = rejectedBy;
    entry.backoffUntilMs = this.#clock.monotonicMs() + backoffMs(entry.attempts);
    entry.place = "unschedulable";
    this.#unschedulable.set(key, entry);
    entry.timer = this.#clock.setTimer(LONGEST_UNSCHEDULABLE_MS, () => this.#retry(entry));
  }

  /** Binding failed: try again after the back-off. */
  failError(key: ObjectKey): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== "scheduling") return;
    entry.backoffUntilMs = this.#clock.monotonicMs() + backoffMs(entry.attempts);
    this.#startBackoff(entry, false);
  }

  /** The cluster changed: pods that one of these filters rejected (or none: no node at all) are worth another try. */
  clusterChanged(concerns: readonly string[] | "all"): void {
    for (const entry of this.#unschedulable.values()) {
      const helps =
        concerns === "all" ||
        entry.rejectedBy.size === 0 ||
        concerns.some((name) => entry.rejectedBy.has(name));
      if (helps) this.#retry(entry);
    }
  }

  /** Cancels every timer. */
  close(): void {
    for (const entry of this.#entries.values()) entry.timer?.cancel();
  }

  #newEntry(key: ObjectKey, pod: CachedPod): Entry {
    const entry: Entry = {
      key,
      pod,
      attempts: 0,
      order: this.#order++,
      place: "active",
      rejectedBy: new Set(),
      backoffUntilMs: 0,
      early: false,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #retry(entry: Entry): void {
    if (entry.backoffUntilMs <= this.#clock.monotonicMs()) this.#activate(entry);
    else this.#startBackoff(entry, true);
  }

  #startBackoff(entry: Entry, early: boolean): void {
    this.#leave(entry);
    entry.place = "backoff";
    entry.early = early;
    this.#backoff.set(entry.key, entry);
    const delayMs = entry.backoffUntilMs - this.#clock.monotonicMs();
    entry.timer = this.#clock.setTimer(delayMs, () => this.#activate(entry));
    if (early) this.#wake?.();
  }

  #activate(entry: Entry): void {
    this.#leave(entry);
    entry.place = "active";
    const priority = entry.pod.spec.priority ?? 0;
    const bucket = this.#active.get(priority);
    if (bucket) bucket.set(entry.key, entry);
    else this.#active.set(priority, new Map([[entry.key, entry]]));
    this.#activeCount++;
    this.#wake?.();
  }

  #leave(entry: Entry): void {
    entry.timer?.cancel();
    if (entry.place === "active") {
      for (const [priority, bucket] of this.#active) {
        if (!bucket.delete(entry.key)) continue;
        this.#activeCount--;
        if (bucket.size === 0) this.#active.delete(priority);
      }
    }
    this.#backoff.delete(entry.key);
    this.#unschedulable.delete(entry.key);
  }

  /** With nothing active, a pod whose back-off is only for fairness may go early (SchedulerPopFromBackoffQ). */
  #first(): Entry | undefined {
    if (this.#activeCount > 0) {
      const bucket = this.#active.get(Math.max(...this.#active.keys()));
      const next = bucket?.values().next();
      if (next && !next.done) return next.value;
    }
    for (const entry of this.#backoff.values()) if (entry.early) return entry;
    return undefined;
  }
}

const backoffMs = (attempts: number): number =>
  Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, attempts - 1), MOST_BACKOFF_MS);
