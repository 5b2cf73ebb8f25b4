import { LOSS_NAMES } from "../../chaos/checkers/no-request-lost.js";
import type { LossKind } from "../../chaos/verify/loss.js";
import type { Subject } from "../../chaos/verify/subject.js";
import type { SeedSummary } from "../../simulation/causes.js";
import { failed } from "../simulate/explore.js";
import type { SeedRunner } from "../simulate/seed-pool.js";
import { type PlannedRun, planOf, scenarioFor, upheavalsOf, type VerifySettings } from "./plan.js";

/** What became of the runs of one kind of upheaval. */
export interface UpheavalResult {
  upheaval: string;
  runs: number;
  requests: number;
  lost: number;
  /** Runs in which nothing happened to the Deployment: its pods were elsewhere. */
  missed: number;
  /** The first run that lost a request, and what it told. */
  violation?: { seed: string; kind: LossKind | undefined; example: string };
  couldNotRun: { seed: string; error: string }[];
}

export interface ExploreOptions {
  subject: Subject;
  settings: VerifySettings;
  pool: SeedRunner;
  signal: AbortSignal;
  /** Nothing else is looked for once anything was lost. */
  stopAtFirst: boolean;
  /** Are run before the others. */
  first?: readonly PlannedRun[];
  onRun?: (done: number, planned: number) => void;
  onLoss?: () => void;
}

/** Runs what is planned, beside each other; a kind of upheaval that has lost a request is not run again. */
export async function exploreUpheavals(options: ExploreOptions): Promise<UpheavalResult[]> {
  const { subject, settings, pool, signal, stopAtFirst, first = [], onRun, onLoss } = options;
  const results = new Map(upheavalsOf(subject).map(({ name }) => [name, newResult(name)]));
  const queue = inOrder(first, planOf(subject, settings));
  const planned = queue.length;
  let done = 0;
  const violated = (name: string): boolean =>
    [...results.values()].some(
      (result) => result.violation !== undefined && (stopAtFirst || result.upheaval === name),
    );
  const lane = async (): Promise<void> => {
    for (let run = queue.shift(); run && !signal.aborted; run = queue.shift()) {
      done++;
      const result = results.get(run.upheaval.name);
      if (!result || violated(run.upheaval.name)) continue;
      const scenario = scenarioFor(subject, run, settings);
      count(result, await pool.run(scenario).catch((err: unknown) => failed(run.seed, err)));
      if (result.violation) onLoss?.();
      onRun?.(done, planned);
    }
  };
  await Promise.all(Array.from({ length: pool.capacity }, lane));
  return [...results.values()];
}

const newResult = (upheaval: string): UpheavalResult => ({
  upheaval,
  runs: 0,
  requests: 0,
  lost: 0,
  missed: 0,
  couldNotRun: [],
});

function inOrder(first: readonly PlannedRun[], all: readonly PlannedRun[]): PlannedRun[] {
  const isFirst = (run: PlannedRun): boolean =>
    first.some(({ upheaval, seed }) => upheaval.name === run.upheaval.name && seed === run.seed);
  return [...all.filter(isFirst), ...all.filter((run) => !isFirst(run))];
}

/** Lags of proxies and the period of their syncs act in every run. */
const BACKGROUND_FAULTS = 4;

function count(result: UpheavalResult, summary: SeedSummary): void {
  const { seed, outcome, error = "", violations } = summary;
  if (outcome === "could-not-run") return void result.couldNotRun.push({ seed, error });
  result.runs += 1;
  result.requests += summary.requests;
  result.lost += summary.failedRequests;
  if (summary.faults <= BACKGROUND_FAULTS) result.missed += 1;
  const [violation] = violations;
  if (!violation) return;
  const { example } = violation;
  const known = result.violation;
  if (known && Number(known.seed) <= Number(seed)) return;
  result.violation = { seed, kind: kindOf(example), example };
}

/** Of a violation as the checker tells it. */
export const kindOf = (example: string): LossKind | undefined =>
  (Object.entries(LOSS_NAMES) as [LossKind, string][]).find(([, name]) =>
    example.startsWith(`${name}:`),
  )?.[0];

export const runsOf = (results: readonly UpheavalResult[]): number =>
  results.reduce((sum, { runs }) => sum + runs, 0);
