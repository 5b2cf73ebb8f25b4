import type { Clock, ClockSkew, Timer } from "../../machinery/api/clock.js";
import { ProcessEnded } from "../images/process.js";

interface Pending {
  timer: Timer;
  abandon: (() => void) | undefined;
}

/** The node's clock as one program uses it: its timers are cancelled and its sleeps rejected when it ends. */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  #pending: Set<Pending> | undefined = new Set();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending = this.#arm(delayMs, fire, undefined);
    return { cancel: () => pending && this.#disarm(pending) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        if (pending) this.#disarm(pending);
        reject(signal?.reason);
      };
      const settle = (then: () => void) => (): void => {
        signal?.removeEventListener("abort", onAbort);
        then();
      };
      const pending = this.#arm(
        delayMs,
        settle(resolve),
        settle(() => reject(new ProcessEnded())),
      );
      if (!pending) return reject(new ProcessEnded());
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  view(skew: ClockSkew): Clock {
    return this.#clock.view(skew);
  }

  /** The program has ended. */
  free(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    for (const { timer, abandon } of pending ?? []) {
      timer.cancel();
      abandon?.();
    }
  }

  #arm(delayMs: number, fire: () => void, abandon: (() => void) | undefined): Pending | undefined {
    const all = this.#pending;
    if (!all) return undefined;
    const entry: Pending = {
      timer: this.#clock.setTimer(delayMs, () => {
        all.delete(entry);
        fire();
      }),
      abandon,
    };
    all.add(entry);
    return entry;
  }

  #disarm(entry: Pending): void {
    entry.timer.cancel();
    this.#pending?.delete(entry);
  }
}
