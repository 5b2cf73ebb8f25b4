import type { Clock, ClockSkew, Timer } from "../api/clock.js";
import { sleepOn } from "./sleep.js";

/** The machine's clock. One of the few places that may touch timers. */
export function systemClock(): Clock {
  return new SystemClock({ offsetMs: 0 });
}

class SystemClock implements Clock {
  readonly #offsetMs: number;
  readonly #rate: number;
  readonly #startedMs = performance.timeOrigin;

  constructor({ offsetMs, drift = 0 }: ClockSkew) {
    this.#offsetMs = offsetMs;
    this.#rate = 1 + drift;
  }

  nowMs(): number {
    const now = Date.now();
    return this.#rate === 1
      ? now + this.#offsetMs
      : this.#startedMs + (now - this.#startedMs) * this.#rate + this.#offsetMs;
  }

  monotonicMs(): number {
    return performance.now() * this.#rate;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    // Node.js turns delays over 2^31-1 ms into 1 ms; a chain of long waits keeps the promise.
    const realMs = delayMs / this.#rate;
    if (realMs > LONGEST_DELAY_MS) return this.#longTimer(realMs, fire);
    const handle = setTimeout(fire, Math.max(0, realMs));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  view(skew: ClockSkew): Clock {
    return new SystemClock({
      offsetMs: this.#offsetMs + skew.offsetMs,
      drift: this.#rate * (1 + (skew.drift ?? 0)) - 1,
    });
  }

  #longTimer(delayMs: number, fire: () => void): Timer {
    let current: Timer;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, LONGEST_DELAY_MS);
      const handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : fire()), stepMs);
      current = { cancel: () => clearTimeout(handle) };
    };
    arm(delayMs);
    return { cancel: () => current.cancel() };
  }
}

const LONGEST_DELAY_MS = 2 ** 31 - 1;
