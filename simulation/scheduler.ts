import { guardTimers } from "../machinery/runtime/timer-guard.js";
import { activeResources, turn } from "../machinery/runtime/turn.js";
import type { VirtualClock } from "./virtual-clock.js";

/** Something completed, or waits to complete, outside the simulation: the run can no longer be repeated. */
export class OutsideWorkError extends Error {
  override readonly name = "OutsideWorkError";
}

/** Real time that one simulated run may take between two instants before it is called stuck. */
const STEPS_BETWEEN_CHECKS = 256;
/** More instants than this without the clock moving is a loop that never waits. */
const MOST_STEPS_WITHOUT_TIME = 1_000_000;

/**
 * Runs a simulated world: everything runnable runs, then time jumps to the next timer. The watchdog fails the run when
 * the program sets a timer of the machine while it runs, and when a file request or a socket appears among what keeps
 * the event loop alive.
 */
export class SimulationScheduler {
  readonly #clock: VirtualClock;
  readonly #baseline: Map<string, number>;
  #steps = 0;
  #stuckSteps = 0;
  /** Runs can be nested: a condition may itself wait for an operation. */
  #depth = 0;
  #outsideTimer: string | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#baseline = countByName(activeResources());
  }

  /** Runs for `durationMs` of simulated time. */
  run(durationMs: number): Promise<void> {
    return this.#guarded(() => this.#run(durationMs));
  }

  async #run(durationMs: number): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + durationMs;
    await turn();
    for (;;) {
      const nextMs = this.#clock.nextMs;
      if (nextMs === undefined || nextMs > untilMs) break;
      this.#step();
      await turn();
      this.#look();
    }
    this.#clock.skipTo(untilMs);
    this.#watch();
  }

  /** Runs until `condition` holds; rejects with RangeError after `limitMs` of simulated time. */
  runUntil(
    condition: () => boolean | Promise<boolean>,
    limitMs: number,
    what = "the condition",
  ): Promise<void> {
    return this.#guarded(() => this.#runUntil(condition, limitMs, what));
  }

  async #runUntil(condition: () => boolean | Promise<boolean>, limitMs: number, what: string): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + limitMs;
    await turn();
    for (;;) {
      const verdict = condition();
      if (typeof verdict === "boolean" ? verdict : await this.settle(verdict)) return;
      const nextMs = this.#clock.nextMs;
      if (nextMs === undefined || nextMs > untilMs) {
        throw new RangeError(`${what} did not come true within ${limitMs} ms of simulated time`);
      }
      this.#step();
      await turn();
      this.#look();
    }
  }

  /** Steps until `promise` has settled, and answers as it does. */
  async settle<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.runUntil(() => settled, limitMs, "the awaited operation");
    return promise;
  }

  async #guarded(run: () => Promise<void>): Promise<void> {
    const release =
      this.#depth++ === 0
        ? guardTimers((name) => {
            this.#outsideTimer = name;
          })
        : undefined;
    try {
      await run();
    } finally {
      this.#depth--;
      release?.();
    }
  }

  /** Time goes to the next instant; a turn and `#look` follow. */
  #step(): void {
    const beforeMs = this.#clock.monotonicMs();
    this.#clock.step();
    this.#stuckSteps = this.#clock.monotonicMs() === beforeMs ? this.#stuckSteps + 1 : 0;
  }

  #look(): void {
    if (this.#stuckSteps > MOST_STEPS_WITHOUT_TIME) {
      throw new OutsideWorkError(
        "simulated time no longer moves: something sets timers of zero delay for ever",
      );
    }
    if (++this.#steps % STEPS_BETWEEN_CHECKS === 0) this.#watch();
  }

  #watch(): void {
    if (this.#outsideTimer) {
      throw new OutsideWorkError(
        `${this.#outsideTimer} was called: work outside the virtual clock cannot be repeated`,
      );
    }
    for (const [name, count] of countByName(activeResources())) {
      if (count > (this.#baseline.get(name) ?? 0) && !OF_THE_HOST.has(name)) {
        throw new OutsideWorkError(`${name} is active: work outside the virtual clock cannot be repeated`);
      }
    }
  }
}

/** Timers of the test runner and the scheduler's own turns; those of the program are seen by the guard. */
const OF_THE_HOST = new Set(["Timeout", "Immediate"]);

function countByName(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
