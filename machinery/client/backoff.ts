import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";

/** Waits that double, with jitter so that clients cut off together do not return together. */
export class Backoff {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #firstMs: number;
  readonly #mostMs: number;
  #nextMs: number;

  constructor(options: { clock: Clock; rng: Rng; firstMs: number; mostMs: number }) {
    this.#clock = options.clock;
    this.#rng = options.rng;
    this.#firstMs = options.firstMs;
    this.#mostMs = options.mostMs;
    this.#nextMs = options.firstMs;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }

  /** Sleeps between once and twice the current step, then doubles it. Rejects when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void> {
    const delayMs = this.#nextMs * (1 + this.#rng.next());
    this.#nextMs = Math.min(this.#nextMs * 2, this.#mostMs);
    return this.#clock.sleep(delayMs, signal);
  }
}
