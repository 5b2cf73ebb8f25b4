import type { Clock, Timer } from "../api/clock.js";

/** Calls back once nothing has happened for a time. Telling it that something has costs a reading of the clock. */
export class StallTimer {
  readonly #clock: Clock;
  readonly #onStall: () => void;
  #limitMs: number;
  #lastMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, limitMs: number, onStall: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#onStall = onStall;
    this.#lastMs = clock.monotonicMs();
    this.#timer = clock.setTimer(limitMs, () => this.#look());
  }

  /** Something happened; from now on it may take `limitMs` until something happens again. */
  touch(limitMs = this.#limitMs): void {
    this.#lastMs = this.#clock.monotonicMs();
    if (limitMs === this.#limitMs) return;
    const isShorter = limitMs < this.#limitMs;
    this.#limitMs = limitMs;
    if (!isShorter || !this.#timer) return;
    this.#timer.cancel();
    this.#timer = this.#clock.setTimer(limitMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    if (!this.#timer) return;
    const leftMs = this.#lastMs + this.#limitMs - this.#clock.monotonicMs();
    if (leftMs > 0) {
      this.#timer = this.#clock.setTimer(leftMs, () => this.#look());
      return;
    }
    this.#timer = undefined;
    this.#onStall();
  }
}
