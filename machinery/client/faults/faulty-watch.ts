import type { Clock } from "../../api/clock.js";
import type { Rng } from "../../api/rng.js";
import type { ActiveFaults } from "../../runtime/active-faults.js";
import { isBookmark, splitFrames } from "./frames.js";
import { concerns, type WatchFault } from "./watch-fault.js";

export interface FaultyWatchOptions {
  client: string;
  resource: string;
  faults: ActiveFaults<WatchFault>;
  clock: Clock;
  rng: Rng;
  /** Holds events while the way back is cut. */
  untilOpen(signal?: AbortSignal): Promise<void>;
}

/** Events that a lagging watch may hold; then it no longer reads, and the server sees a slow watcher. */
const MOST_HELD = 10_000;

/** The events of one watch as its client gets them. */
export class FaultyWatch {
  readonly client: string;
  readonly resource: string;
  readonly #options: FaultyWatchOptions;
  readonly #held: { frame: Uint8Array; dueMs: number }[] = [];
  /** Waits for the next event, to come after it. */
  #overtaken: Uint8Array | undefined;
  #lastDueMs = 0;
  #upstreamEnd: { error?: unknown } | undefined;
  #forcedEnd: { frame?: Uint8Array; error?: Error } | undefined;
  #closed = false;
  /** Reader and consumer wait on these: each is woken by the other, by a change of faults, or by the end. */
  readonly #waiting = new Set<() => void>();

  constructor(options: FaultyWatchOptions) {
    this.#options = options;
    this.client = options.client;
    this.resource = options.resource;
  }

  /** Ends the stream at the next turn: with an error as a broken connection would, or after one last frame. */
  end(how: { frame?: Uint8Array; error?: Error }): void {
    this.#forcedEnd ??= how;
    this.#wake();
  }

  async *frames(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const wake = (): void => this.#wake();
    const unlisten = this.#options.faults.onChange(wake);
    signal?.addEventListener("abort", wake, { once: true });
    void this.#read(body);
    try {
      while (!signal?.aborted && !this.#forcedEnd) {
        const frame = this.#takeDue();
        if (frame) {
          await this.#options.untilOpen(signal);
          yield frame;
        } else if (this.#upstreamEnd && this.#held.length === 0) break;
        else await this.#wait(this.#nextDueMs());
      }
      signal?.throwIfAborted();
      if (this.#forcedEnd?.frame) yield this.#forcedEnd.frame;
      const error = this.#forcedEnd ? this.#forcedEnd.error : this.#upstreamEnd?.error;
      if (error) throw error;
    } finally {
      this.#closed = true;
      unlisten();
      signal?.removeEventListener("abort", wake);
      this.#wake();
    }
  }

  /** Reads ahead, so that a lag delays every event by the same time. Never rejects. */
  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const frame of splitFrames(body)) {
        if (this.#closed) return;
        this.#receive(frame);
        while (!this.#closed && (this.#held.length >= MOST_HELD || this.#fault()?.stalled))
          await this.#wait();
      }
      this.#upstreamEnd = {};
    } catch (error) {
      this.#upstreamEnd = { error };
    } finally {
      this.#release();
      this.#wake();
    }
  }

  #receive(frame: Uint8Array): void {
    const fault = this.#fault();
    if (!fault) {
      this.#hold(frame, 0);
      return this.#release();
    }
    if ((fault.starveBookmarks && isBookmark(frame)) || this.#draw(fault.dropPercent)) return;
    if (this.#overtaken === undefined && this.#draw(fault.reorderPercent)) {
      this.#overtaken = frame;
      return;
    }
    this.#hold(frame, fault.lagMs);
    if (this.#draw(fault.duplicatePercent)) this.#hold(frame, fault.lagMs);
    this.#release();
  }

  #draw(percent: number): boolean {
    return percent > 0 && this.#options.rng.next() * 100 < percent;
  }

  #hold(frame: Uint8Array, lagMs: number): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#options.clock.monotonicMs() + lagMs);
    this.#held.push({ frame, dueMs: this.#lastDueMs });
    this.#wake();
  }

  /** Lets the event go that was overtaken. */
  #release(): void {
    const frame = this.#overtaken;
    this.#overtaken = undefined;
    if (frame) this.#hold(frame, 0);
  }

  #takeDue(): Uint8Array | undefined {
    const first = this.#held[0];
    if (!first || this.#fault()?.stalled || first.dueMs > this.#options.clock.monotonicMs()) return undefined;
    this.#held.shift();
    if (this.#held.length === MOST_HELD - 1) this.#wake();
    return first.frame;
  }

  #nextDueMs(): number | undefined {
    return this.#fault()?.stalled ? undefined : this.#held[0]?.dueMs;
  }

  #fault(): WatchFault | undefined {
    const { faults, client, resource } = this.#options;
    return faults.none ? undefined : faults.find((fault) => concerns(fault, client, resource));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Until somebody wakes it, or until `untilMs` of monotonic time. */
  #wait(untilMs?: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        timer?.cancel();
        resolve();
      };
      this.#waiting.add(wake);
      const timer =
        untilMs === undefined ? undefined : clock.setTimer(Math.max(0, untilMs - clock.monotonicMs()), wake);
    });
  }
}
