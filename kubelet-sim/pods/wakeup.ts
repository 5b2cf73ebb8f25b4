import type { Clock } from "../../machinery/api/clock.js";

/** How a loop waits for its next reason to look. One loop waits; anyone may wake it, also before it waits. */
export class Wakeup {
  readonly #clock: Clock;
  #noted = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  notify(): void {
    this.#noted = true;
    this.#wake?.();
  }

  /** Until somebody notified since the last wait; at most `waitMs`, for ever when undefined. */
  async wait(waitMs: number | undefined): Promise<void> {
    if (!this.#noted) {
      await new Promise<void>((resolve) => {
        const timer = waitMs === undefined ? undefined : this.#clock.setTimer(waitMs, () => this.#wake?.());
        this.#wake = () => {
          timer?.cancel();
          this.#wake = undefined;
          resolve();
        };
      });
    }
    this.#noted = false;
  }
}
