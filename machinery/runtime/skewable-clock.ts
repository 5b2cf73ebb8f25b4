import type { Clock, ClockSkew, Timer } from "../api/clock.js";
import { sleepOn } from "./sleep.js";

/**
 * One process's clock over a master: it can be set wrong, run fast or slow, stand still with the process (SIGSTOP) and end
 * with it (SIGKILL). What falls due while it stands still fires, in order, when it goes on.
 */
export class SkewableClock implements Clock {
  readonly #master: Clock;
  readonly #parked: (() => void)[] = [];
  #offsetMs = 0;
  #rate = 1;
  /** Where the present rate began: the master's time, and this clock's. */
  #masterMs = 0;
  #ownMs = 0;
  #pauses = 0;
  #ended = false;
  #pending = 0;

  constructor(master: Clock, { offsetMs, drift = 0 }: ClockSkew = { offsetMs: 0 }) {
    this.#master = master;
    this.#offsetMs = offsetMs;
    this.#rate = 1 + drift;
  }

  nowMs(): number {
    if (this.#rate === 1 && this.#ownMs === this.#masterMs) return this.#master.nowMs() + this.#offsetMs;
    return this.#master.nowMs() - this.#master.monotonicMs() + this.monotonicMs() + this.#offsetMs;
  }

  monotonicMs(): number {
    return this.#ownMs + (this.#master.monotonicMs() - this.#masterMs) * this.#rate;
  }

  /** A timer keeps the time of the master that it was set for, whatever the clock's rate becomes. */
  setTimer(delayMs: number, fire: () => void): Timer {
    let cancelled = false;
    let isPending = true;
    const settle = (): void => {
      if (isPending) this.#pending -= 1;
      isPending = false;
    };
    this.#pending += 1;
    const timer = this.#master.setTimer(delayMs / this.#rate, () => {
      settle();
      if (this.#pauses === 0 && !this.#ended) fire();
      else
        this.deliver(() => {
          if (!cancelled) fire();
        });
    });
    return {
      cancel: () => {
        cancelled = true;
        settle();
        timer.cancel();
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  view(skew: ClockSkew): Clock {
    return new SkewableClock(this, skew);
  }

  /** Wall time jumps; timers and durations do not notice. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  /** From now on a second of the master is `1 + drift` of this clock. */
  setDrift(drift: number): void {
    this.#ownMs = this.monotonicMs();
    this.#masterMs = this.#master.monotonicMs();
    this.#rate = 1 + drift;
  }

  /** Calls at once while the process runs, when it goes on if it stands still, and never once it has ended. */
  deliver(call: () => void): void {
    if (this.#ended) return;
    if (this.#pauses > 0) this.#parked.push(call);
    else call();
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#pending;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Pauses are counted: each needs its `resume`. */
  pause(): void {
    this.#pauses += 1;
  }

  resume(): void {
    if (this.#pauses === 0 || --this.#pauses > 0) return;
    // One of them may pause the process again: the rest then waits on.
    while (this.#parked.length > 0 && this.#pauses === 0 && !this.#ended) this.#parked.shift()?.();
  }

  /** Nothing of this process runs any more. */
  end(): void {
    this.#ended = true;
    this.#parked.length = 0;
  }
}
