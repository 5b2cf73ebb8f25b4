import type { Clock, ClockSkew, Timer } from "../machinery/api/clock.js";
import { sleepOn } from "../machinery/runtime/sleep.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { TimerHeap } from "./timer-heap.js";

/** A Sunday, so that nobody mistakes simulated times for real ones: 2026-03-01T00:00:00Z. */
export const SIMULATION_START_MS = Date.UTC(2026, 2, 1);

/**
 * A clock that stands still until `advance` moves it. Timers of one instant fire in the order they were set; between two
 * instants everything that is runnable runs (microtasks and nextTick; see `settle`).
 */
export class VirtualClock implements Clock {
  readonly #timers = new TimerHeap();
  #elapsedMs = 0;

  nowMs(): number {
    return SIMULATION_START_MS + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    return this.#timers.add(this.#elapsedMs + Math.max(0, delayMs), fire);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  view(skew: ClockSkew): Clock {
    return new SkewableClock(this, skew);
  }

  /** Elapsed time of the next timer; undefined when nothing is pending. */
  get nextMs(): number | undefined {
    return this.#timers.nextMs;
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time to the next instant that has timers and fires those that are due; false when there are none. */
  step(): boolean {
    const nextMs = this.#timers.nextMs;
    if (nextMs === undefined) return false;
    this.#elapsedMs = Math.max(this.#elapsedMs, nextMs);
    // Timers set for this same instant while firing wait for the next step, after what is runnable has run.
    this.#timers.fireDue(this.#elapsedMs);
    return true;
  }

  /** Moves time forward without firing anything; only as far as the next timer allows. */
  skipTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, Math.min(elapsedMs, this.#timers.nextMs ?? elapsedMs));
  }
}
