import type { Clock, Timer } from "../../machinery/api/clock.js";

const STEPS_PER_PAUSE = 128;
const PAUSE_MS = 1;
/** A container that starves its node must not fill its memory too. */
const MOST_WAITING = 100_000;

/**
 * What the programs of one container may do before time passes: a loop that never waits, or a thousand of them, gets a
 * tenth of a core, and virtual time goes on.
 */
export class CpuShare {
  readonly #clock: Clock;
  #left = STEPS_PER_PAUSE;
  #waiting: (() => void)[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined when the step may be done at once, else resolves when it is its turn. */
  take(): Promise<void> | undefined {
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left--;
      return undefined;
    }
    this.#timer ??= this.#clock.setTimer(PAUSE_MS, () => this.#resume());
    if (this.#waiting.length >= MOST_WAITING) return new Promise(() => {});
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Work that was done without asking, in steps. */
  charge(steps: number): void {
    this.#left -= steps;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting = [];
  }

  #resume(): void {
    this.#timer = undefined;
    this.#left = Math.min(STEPS_PER_PAUSE, this.#left + STEPS_PER_PAUSE);
    const released = this.#waiting.splice(0, Math.max(0, this.#left));
    this.#left -= released.length;
    if (this.#waiting.length > 0) this.#timer = this.#clock.setTimer(PAUSE_MS, () => this.#resume());
    for (const resume of released) resume();
  }
}
