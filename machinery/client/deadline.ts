import type { Clock, Timer } from "../api/clock.js";

/** A signal that aborts with another one, or after a time. `clear` releases both. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: Timer;
  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(clock: Clock, afterMs: number, outer?: AbortSignal) {
    this.#outer = outer;
    this.#timer = clock.setTimer(afterMs, () => this.#controller.abort(new Error("deadline exceeded")));
    if (outer?.aborted) this.#onAbort();
    else outer?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    this.#timer.cancel();
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }
}
