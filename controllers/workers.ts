import type { Clock } from "../machinery/api/clock.js";
import type { Logger } from "../machinery/api/logger.js";
import { isConflict } from "../machinery/api/status.js";
import type { ControllerPace } from "./controller-faults.js";
import { WorkQueue } from "../machinery/client/work-queue.js";

/** Nothing: done until the next change. Otherwise come back later even if nothing changes. */
export type ReconcileResult = { requeueAfterMs?: number | undefined } | undefined;

export interface ControllerStats {
  depth: number;
  reconciles: number;
  failures: number;
  busySeconds: number;
}

/** A queue and those who work on it. A key that fails is tried again with back-off. */
export class Workers {
  readonly queue: WorkQueue;
  readonly #count: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  readonly #pace: ControllerPace;
  readonly #stats = { reconciles: 0, failures: 0, busySeconds: 0 };

  constructor(options: {
    count: number;
    clock: Clock;
    logger: Logger;
    pace: ControllerPace;
    reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  }) {
    this.#count = options.count;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#pace = options.pace;
    this.#reconcile = options.reconcile;
    this.queue = new WorkQueue({ clock: options.clock });
  }

  /** Runs until the signal aborts and the keys under way are done. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: this.#count }, () => this.#work(signal)));
  }

  stats(): ControllerStats {
    return { depth: this.queue.length, ...this.#stats };
  }

  async #work(signal: AbortSignal): Promise<void> {
    for await (const key of this.queue.items(signal)) {
      const open = this.#pace.mayWork(signal);
      if (open) {
        await open;
        if (signal.aborted) return;
      }
      await this.#processItem(key, signal);
    }
  }

  async #processItem(key: string, signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const result = await this.#reconcile(key, signal);
      this.queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.queue.addAfter(key, result.requeueAfterMs);
    } catch (err) {
      if (signal.aborted) return;
      this.#stats.failures++;
      // Somebody else wrote first, which happens all the time; the retry sees what they wrote.
      this.#logger[isConflict(err) ? "debug" : "warn"]("Reconciling failed", { key, err });
      this.queue.addRateLimited(key);
    } finally {
      this.#stats.reconciles++;
      this.#stats.busySeconds += (this.#clock.monotonicMs() - startedMs) / 1000;
      this.queue.done(key);
    }
  }
}
