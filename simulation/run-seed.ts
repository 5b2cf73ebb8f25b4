import { CannotRun } from "../chaos/cannot-run.js";
import type { RunReport } from "../chaos/judge.js";
import { runScenario } from "../chaos/runner.js";
import type { Scenario } from "../chaos/scenario/types.js";
import type { Logger } from "../machinery/api/logger.js";
import { SimulatedCluster } from "./cluster.js";
import { clusterOptions, type ReadManifests, simulatedAccess } from "./cluster-access.js";
import type { Parts } from "./parts.js";
import { Recording } from "./recording.js";

export interface SeedRun {
  seed: string;
  /** Absent when there was nothing to judge. */
  report?: RunReport;
  /** Why there was nothing to judge, or which process crashed. */
  error?: string;
  /** The same, with what was seen until then. */
  cannotRun?: CannotRun;
  /** Of every revision and every connection of the run. */
  hash: string;
  simulatedMs: number;
}

export interface SeedOptions {
  scenario: Scenario;
  files: ReadManifests;
  logger?: Logger;
  onEvent?: (line: string) => void;
  /** Sees the cluster before the scenario begins. */
  onCluster?: (cluster: SimulatedCluster) => void;
  signal?: AbortSignal;
  /** Parts in the place of ours: mutants. */
  parts?: Parts;
}

/** One scenario from one seed on a cluster of its own: the same history every time, on every machine. */
export async function runSeed(options: SeedOptions): Promise<SeedRun> {
  const { scenario, files, logger, onEvent, onCluster, parts } = options;
  const signal = options.signal ?? new AbortController().signal;
  const cluster = await SimulatedCluster.start({
    ...clusterOptions(scenario),
    ...(logger ? { logger } : {}),
    ...(parts ? { parts } : {}),
  });
  const recording = new Recording(cluster);
  onCluster?.(cluster);
  const outcome: Pick<SeedRun, "report" | "error" | "cannotRun"> = {};
  try {
    outcome.report = await cluster.settle(
      runScenario({
        scenario,
        cluster: simulatedAccess(cluster, files),
        rng: cluster.rng.fork("scenario"),
        signal,
        ...(onEvent ? { onEvent } : {}),
      }),
    );
  } catch (err) {
    if (!(err instanceof CannotRun)) throw err;
    outcome.error = err.message;
    outcome.cannotRun = err;
  }
  const simulatedMs = cluster.clock.monotonicMs();
  try {
    await cluster.stop();
  } catch (err) {
    outcome.error = describeCrash(err);
  }
  return {
    seed: scenario.seed,
    ...outcome,
    hash: recording.hash({ ...outcome.report?.history, flows: undefined }),
    simulatedMs,
  };
}

const describeCrash = (err: unknown): string =>
  err instanceof AggregateError ? `${err.message}: ${err.errors.map(String).join("; ")}` : String(err);
