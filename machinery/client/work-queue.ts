import type { Clock, Timer } from "../api/clock.js";

/** Per-item back-off of client-go's ItemExponentialFailureRateLimiter. */
const FIRST_DELAY_MS = 5;
const MOST_DELAY_MS = 1000 * 1000;

/**
 * Keys to work on. A key waits at most once however often it is added, and is never worked on twice at the same time: one
 * added while it is being worked on waits until `done`. Holds at most one entry per key.
 */
export class WorkQueue<Key = string> {
  readonly #clock: Clock;
  readonly #ready: Key[] = [];
  #head = 0;
  readonly #dirty = new Set<Key>();
  readonly #processing = new Set<Key>();
  readonly #delayed = new Map<Key, { dueMs: number; timer: Timer }>();
  readonly #failures = new Map<Key, number>();
  readonly #waiters: (() => void)[] = [];

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Keys that wait for a worker. */
  get length(): number {
    return this.#ready.length - this.#head;
  }

  /** Keys that wait, are delayed, or are being worked on. */
  get pending(): number {
    return this.length + this.#delayed.size + this.#processing.size;
  }

  add(key: Key): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (this.#processing.has(key)) return;
    this.#push(key);
  }

  /** The earliest of several delays for one key counts. */
  addAfter(key: Key, delayMs: number): void {
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known && known.dueMs <= dueMs) return;
    known?.timer.cancel();
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, timer });
  }

  /** After a failure: waits 5 ms, doubled at each failure since the last `forget`, at most 1000 s. */
  addRateLimited(key: Key): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(FIRST_DELAY_MS * 2 ** failures, MOST_DELAY_MS));
  }

  /** Failures since the last success. */
  requeues(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The key succeeded: the next failure starts over at 5 ms. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** The work on a key that `items` handed out is over. */
  done(key: Key): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#push(key);
  }

  /** Keys to work on, for as many readers as like; each key goes to one of them. Ends when the signal aborts. */
  async *items(signal: AbortSignal): AsyncGenerator<Key> {
    const wake = (): void => this.#wakeAll();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const next = this.#take();
        if (next) yield next.key;
        else await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
      if (signal.aborted) this.#cancelDelayed();
    }
  }

  #take(): { key: Key } | undefined {
    if (this.length === 0) return undefined;
    const key = this.#ready[this.#head++] as Key;
    if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#head);
      this.#head = 0;
    }
    this.#dirty.delete(key);
    this.#processing.add(key);
    return { key };
  }

  #push(key: Key): void {
    this.#ready.push(key);
    this.#waiters.shift()?.();
  }

  #wakeAll(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  #cancelDelayed(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
  }
}
