import type { Clock } from "../../machinery/api/clock.js";
import type { ObjectKey } from "../../machinery/api/resource.js";

/** Small objects are written at once, always. */
const SMALL = 50;
const MS_PER_ADDRESS = 1;

/**
 * Spaces the writes of large Endpoints: each carries every address, so a service that grows to n pods one by one would
 * cost n² (upstream is held back by its client's 20 requests a second). Slices, which proxies read, are never held back.
 */
export class WritePacer {
  readonly #clock: Clock;
  readonly #nextMs = new Map<ObjectKey, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long the next write of this object has to wait; 0 when it may go. */
  waitMs(key: ObjectKey): number {
    return Math.max(0, (this.#nextMs.get(key) ?? 0) - this.#clock.monotonicMs());
  }

  wrote(key: ObjectKey, addressCount: number): void {
    if (addressCount <= SMALL) this.#nextMs.delete(key);
    else this.#nextMs.set(key, this.#clock.monotonicMs() + addressCount * MS_PER_ADDRESS);
  }

  forget(key: ObjectKey): void {
    this.#nextMs.delete(key);
  }
}
