import type { Clock } from "../../machinery/api/clock.js";
import type { Probe } from "../../machinery/api/core-v1.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { ProbeOutcome } from "./prober.js";

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface ProbeWorkerOptions {
  kind: ProbeKind;
  probe: Probe;
  clock: Clock;
  rng: Rng;
  /** One check. */
  check: (signal: AbortSignal) => Promise<ProbeOutcome>;
  /** Every check that did not succeed: event Unhealthy. */
  onFailure: (outcome: Exclude<ProbeOutcome, { kind: "success" }>) => void;
  /** The verdict after thresholds, when it is first known and whenever it changes. */
  onVerdict: (passing: boolean) => void;
}

/** Programs that listen a moment after they start are not made to wait a whole period. */
const FIRST_CHECK_MS = { least: 5, most: 25 };

// Upstream: pkg/kubelet/prober/worker.go.
/**
 * Checks one container for as long as it runs. A startup probe ends with its first verdict, a liveness probe once it has
 * failed: the container's next run gets a worker of its own.
 */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  readonly #count: ProbeCount;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
    this.#count = new ProbeCount(options.probe);
  }

  /** Ends when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, rng, probe } = this.#options;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const soonMs = rng.int(FIRST_CHECK_MS.least, FIRST_CHECK_MS.most);
    try {
      await clock.sleep((probe.initialDelaySeconds ?? 0) * 1000 + soonMs, signal);
      for (let first = true; ; first = false) {
        const verdict = await this.#check(signal);
        if (this.#isOver(verdict)) return;
        // The real worker ticks at a random phase of the period; drawn once, it stays.
        await clock.sleep(first ? periodMs * (0.9 + 0.1 * rng.next()) : periodMs, signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  #isOver(verdict: boolean | undefined): boolean {
    if (this.#options.kind === "startup") return verdict !== undefined;
    return this.#options.kind === "liveness" && verdict === false;
  }

  async #check(signal: AbortSignal): Promise<boolean | undefined> {
    const outcome = await this.#options.check(signal);
    signal.throwIfAborted();
    if (outcome.kind !== "success") this.#options.onFailure(outcome);
    const verdict = this.#count.add(outcome.kind === "success");
    if (verdict !== undefined) this.#options.onVerdict(verdict);
    return verdict;
  }
}

/** Thresholds: so many results of one kind in a row make a verdict. */
export class ProbeCount {
  readonly #successThreshold: number;
  readonly #failureThreshold: number;
  #last: boolean | undefined;
  #run = 0;
  #verdict: boolean | undefined;

  constructor(probe: Probe) {
    this.#successThreshold = probe.successThreshold ?? 1;
    this.#failureThreshold = probe.failureThreshold ?? 3;
  }

  /** The verdict if this result changed it, else undefined. */
  add(success: boolean): boolean | undefined {
    this.#run = success === this.#last ? this.#run + 1 : 1;
    this.#last = success;
    if (this.#run < (success ? this.#successThreshold : this.#failureThreshold)) return undefined;
    if (this.#verdict === success) return undefined;
    this.#verdict = success;
    return success;
  }
}
