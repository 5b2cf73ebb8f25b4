import type { Scenario } from "../../chaos/scenario/types.js";
import { Causes, type FoundCause, type SeedSummary } from "../../simulation/causes.js";
import type { SeedPool } from "./seed-pool.js";

export interface Exploration {
  seeds: number;
  held: number;
  violated: number;
  couldNotRun: SeedSummary[];
  causes: FoundCause[];
  requests: number;
  failedRequests: number;
  faults: number;
  simulatedMs: number;
}

export interface ExploreOptions {
  scenario: Scenario;
  seeds: readonly string[];
  pool: SeedPool;
  signal: AbortSignal;
  onSeed?: (done: Exploration, summary: SeedSummary) => void;
}

const MOST_KEPT_ERRORS = 10;

/** Runs every seed; keeps counts and causes, so that memory does not grow with the seeds. Stops early at the signal. */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { scenario, seeds, pool, signal, onSeed } = options;
  const causes = new Causes();
  const done: Exploration = {
    seeds: 0,
    held: 0,
    violated: 0,
    couldNotRun: [],
    causes: [],
    requests: 0,
    failedRequests: 0,
    faults: 0,
    simulatedMs: 0,
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < seeds.length && !signal.aborted) {
      const index = next++;
      const seed = seeds[index] ?? "";
      const summary = await pool.run({ ...scenario, seed }).catch((err: unknown) => failed(seed, err));
      count(done, summary);
      causes.add(summary, index);
      onSeed?.(done, summary);
    }
  };
  await Promise.all(Array.from({ length: Math.min(pool.capacity, seeds.length) }, lane));
  return { ...done, causes: causes.list() };
}

/** A run that ended in a mistake of ours, or whose process died. */
export const failed = (seed: string, err: unknown): SeedSummary => ({
  seed,
  outcome: "could-not-run",
  violations: [],
  error: err instanceof Error ? err.message : String(err),
  hash: "",
  requests: 0,
  failedRequests: 0,
  faults: 0,
  simulatedMs: 0,
});

function count(done: Exploration, summary: SeedSummary): void {
  done.seeds += 1;
  done.requests += summary.requests;
  done.failedRequests += summary.failedRequests;
  done.faults += summary.faults;
  done.simulatedMs += summary.simulatedMs;
  if (summary.outcome === "held") done.held += 1;
  else if (summary.outcome === "violated") done.violated += 1;
  else if (done.couldNotRun.length < MOST_KEPT_ERRORS) done.couldNotRun.push(summary);
}

/** `from`, `from+1` … when it is a number; `from/0`, `from/1` … otherwise. */
export const seedsFrom = (from: string, count: number): string[] =>
  count === 1
    ? [from]
    : Array.from({ length: count }, (_, i) =>
        /^\d{1,15}$/.test(from) ? String(Number(from) + i) : `${from}/${i}`,
      );
