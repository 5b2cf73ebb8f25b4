import type { Clock } from "../machinery/api/clock.js";
import type { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { everyMs, type Load } from "../machinery/runtime/stress-faults.js";

/** A heap of this size more makes the collector stand in the way for a millisecond each second. */
const BYTES_PER_PAUSED_MS = 4 * 1024 * 1024;
const COLLECTION_PERIOD_MS = 1000;

/** What a loaded process notices of it: it stands still meanwhile. */
export class SimulatedLoad implements Load {
  readonly #master: Clock;
  readonly #clocks: readonly SkewableClock[];
  /** Slices that are not over yet. */
  readonly #standing = new Set<() => void>();

  /** `clocks` stand still together. */
  constructor(master: Clock, clocks: readonly SkewableClock[]) {
    this.#master = master;
    this.#clocks = clocks;
  }

  busy(ms: number): void {
    if (ms <= 0) return;
    for (const clock of this.#clocks) clock.pause();
    const resume = (): void => {
      if (this.#standing.delete(resume)) for (const clock of this.#clocks) clock.resume();
    };
    this.#standing.add(resume);
    this.#master.setTimer(ms, resume);
  }

  hold(bytes: number): () => void {
    return everyMs(this.#master, COLLECTION_PERIOD_MS, () => this.busy(bytes / BYTES_PER_PAUSED_MS));
  }

  /** The process has ended: what it held up goes on. */
  end(): void {
    for (const resume of this.#standing) resume();
  }
}
