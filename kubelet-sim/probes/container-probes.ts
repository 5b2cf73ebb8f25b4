import type { Probe } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import { type ProbeKind, ProbeWorker } from "./probe-worker.js";
import { type ProbeOutcome, type ProbeTarget, runProbe } from "./prober.js";

export interface ContainerProbesOptions {
  target: ProbeTarget;
  rng: Rng;
  logger: Logger;
  /** What a check comes to instead of being made. */
  broken: (kind: ProbeKind, probe: Probe) => ProbeOutcome | undefined;
  emit: (type: "Normal" | "Warning", reason: string, message: string) => void;
  onStarted: () => void;
  onReady: (ready: boolean) => void;
  /** The container must be restarted; `probe` says which one found it so. */
  onUnhealthy: (kind: "startup" | "liveness", probe: Probe) => void;
}

const PROBES_OVER = new Error("the container is no longer probed");
const NAMES = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;

/** The probes of one run of one container: liveness and readiness begin once the startup probe has passed. */
export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #all = new AbortController();
  readonly #untilTermination = new AbortController();

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { startupProbe } = options.target.container;
    if (startupProbe) this.#run("startup", startupProbe, (passing) => this.#startupVerdict(passing));
    else this.#begin();
  }

  /** A terminating container is only watched for readiness. */
  terminating(): void {
    this.#untilTermination.abort(PROBES_OVER);
  }

  stop(): void {
    this.#untilTermination.abort(PROBES_OVER);
    this.#all.abort(PROBES_OVER);
  }

  #startupVerdict(passing: boolean): void {
    const { startupProbe } = this.#options.target.container;
    if (!passing && startupProbe) return this.#options.onUnhealthy("startup", startupProbe);
    this.#options.onStarted();
    this.#begin();
  }

  #begin(): void {
    const { livenessProbe, readinessProbe } = this.#options.target.container;
    if (livenessProbe)
      this.#run("liveness", livenessProbe, (passing) => {
        if (!passing) this.#options.onUnhealthy("liveness", livenessProbe);
      });
    if (readinessProbe) this.#run("readiness", readinessProbe, (passing) => this.#options.onReady(passing));
  }

  #run(kind: ProbeKind, probe: Probe, onVerdict: (passing: boolean) => void): void {
    const { target, rng, logger, emit, broken } = this.#options;
    const worker = new ProbeWorker({
      kind,
      probe,
      clock: target.clock,
      rng: rng.fork(kind),
      check: (signal) => {
        const outcome = broken(kind, probe);
        return outcome ? Promise.resolve(outcome) : runProbe(probe, target, signal);
      },
      onFailure: (outcome) =>
        emit(
          "Warning",
          "Unhealthy",
          outcome.kind === "error"
            ? `${NAMES[kind]} probe errored and resulted in unknown state: ${outcome.message}`
            : `${NAMES[kind]} probe failed: ${outcome.message}`,
        ),
      onVerdict,
    });
    const signal = kind === "readiness" ? this.#all.signal : this.#untilTermination.signal;
    worker.run(signal).catch((err: unknown) => logger.error("A probe worker failed", { kind, err }));
  }
}
