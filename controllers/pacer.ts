import type { Clock } from "../machinery/api/clock.js";
import type { ObjectKey } from "../machinery/api/resource.js";

/**
 * Spaces the work on large objects in proportion to their size. Each pass looks at every pod, so something that grows to n
 * pods one change at a time would cost n²; a short wait lets changes come together. Small objects never wait.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #smallCount: number;
  readonly #msPerItem: number;
  readonly #nextMs = new Map<ObjectKey, number>();

  constructor(clock: Clock, options: { smallCount: number; msPerItem: number }) {
    this.#clock = clock;
    this.#smallCount = options.smallCount;
    this.#msPerItem = options.msPerItem;
  }

  /** How long the next pass over this object has to wait; 0 when it may go. */
  waitMs(key: ObjectKey): number {
    return Math.max(0, (this.#nextMs.get(key) ?? 0) - this.#clock.monotonicMs());
  }

  worked(key: ObjectKey, itemCount: number): void {
    if (itemCount <= this.#smallCount) this.#nextMs.delete(key);
    else this.#nextMs.set(key, this.#clock.monotonicMs() + itemCount * this.#msPerItem);
  }

  forget(key: ObjectKey): void {
    this.#nextMs.delete(key);
  }
}
