import type { Clock } from "../machinery/api/clock.js";

/** One sleeper that others wake. A ring while nobody sleeps is kept for the next sleep. */
export class Wakeup {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until the next ring, or until wall time `dueMs`. */
  async wait(clock: Clock, dueMs?: number): Promise<void> {
    if (!this.#rung)
      await new Promise<void>((resolve) => {
        const timer =
          dueMs === undefined ? undefined : clock.setTimer(Math.max(0, dueMs - clock.nowMs()), resolve);
        this.#wake = () => {
          timer?.cancel();
          resolve();
        };
      });
    this.#wake = undefined;
    this.#rung = false;
  }
}
