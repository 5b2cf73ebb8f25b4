import { verifyDocument } from "../../chaos/verify/scenario.js";
import type { RunReport } from "../../chaos/judge.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { isUnavoidable, lossesOf } from "../../chaos/verify/loss.js";
import { narrate, type Narrative } from "../../chaos/verify/narrate.js";
import type { Subject } from "../../chaos/verify/subject.js";
import { runSeed } from "../../simulation/run-seed.js";
import { type ScenarioDocument, shrink } from "../../simulation/shrink.js";
import { withFiles } from "../simulate/manifest-files.js";
import type { SeedRunner } from "../simulate/seed-pool.js";
import { UserError } from "../supervisor/cluster.js";
import { kindOf } from "./exploration.js";
import { type PlannedRun, scenarioFor, scenarioOf, type VerifySettings } from "./plan.js";

/** The shortest run found that loses a request in the same way. */
export interface Counterexample extends Narrative {
  upheaval: string;
  seed: string;
  lost: number;
  requests: number;
  durationMs: number;
  /** `kubesim chaos run --simulate` shows it again. */
  document: ScenarioDocument;
  shrinkRuns: number;
}

export interface CounterexampleOptions {
  subject: Subject;
  run: PlannedRun;
  settings: VerifySettings;
  pool: SeedRunner;
  signal: AbortSignal;
  onStep?: (runs: number, change: string) => void;
  /** Of shrinking. */
  mostRuns?: number;
}

const MOST_SHRINK_RUNS = 20;

/** Shrinks a run that lost a request, runs it once more and tells its first loss. Undefined when nothing is lost any more. */
export async function counterexampleOf(options: CounterexampleOptions): Promise<Counterexample | undefined> {
  const { subject, run, settings, pool, signal, mostRuns = MOST_SHRINK_RUNS } = options;
  const original = verifyDocument({ subject, ...run, ...settings });
  const wanted = await kindIn(scenarioOf(original), pool);
  const failing = async (document: ScenarioDocument): Promise<ScenarioDocument | undefined> => {
    if (signal.aborted) return undefined;
    const scenario = ifPossible(document);
    const kind = scenario && (await kindIn(scenario, pool));
    return kind !== undefined && kind === wanted ? document : undefined;
  };
  const { document, runs } = await shrink({
    document: original,
    failing,
    limit: run.upheaval.asItIs ? 0 : mostRuns,
    onStep: ({ runs: done, change }) => options.onStep?.(done, change),
  });
  const scenario = scenarioOf(document);
  const report = await reportOf(scenario);
  if (!report) return undefined;
  const losses = lossesOf(report.history, scenario).filter((loss) => settings.strict || !isUnavoidable(loss));
  const first = losses.find(({ kind }) => kind === wanted) ?? losses[0];
  if (!first) return undefined;
  return {
    ...narrate(first, report.history, scenario),
    upheaval: run.upheaval.name,
    seed: run.seed,
    lost: losses.length,
    requests: report.history.operations.length,
    durationMs: scenario.durationMs,
    document,
    shrinkRuns: runs,
  };
}

/** What was made smaller may say no more what makes sense: steps after the end. */
function ifPossible(document: ScenarioDocument): Scenario | undefined {
  try {
    return scenarioOf(document);
  } catch (err) {
    if (err instanceof UserError) return undefined;
    throw err;
  }
}

async function kindIn(scenario: Scenario, pool: SeedRunner) {
  const { violations } = await pool.run(scenario);
  const [violation] = violations;
  return violation && kindOf(violation.example);
}

async function reportOf(scenario: Scenario): Promise<RunReport | undefined> {
  const { files } = withFiles({ ...scenario, manifests: [] });
  return (await runSeed({ scenario, files })).report;
}

/** What a crashed node took with it in one run, and for how long that went on. */
export interface CrashLoss {
  seed: string;
  lost: number;
  requests: number;
  /** From the crash to the last request that was lost. */
  seconds: number;
}

export async function crashLossOf(
  subject: Subject,
  run: PlannedRun,
  settings: VerifySettings,
): Promise<CrashLoss | undefined> {
  const scenario = scenarioFor(subject, run, settings);
  const report = await reportOf(scenario);
  if (!report) return undefined;
  const { history } = report;
  const losses = lossesOf(history, scenario).filter(isUnavoidable);
  const crash = history.faults.find(({ fault, outcome }) => fault === "node-crash" && outcome === "injected");
  const last = losses.at(-1)?.operation.atMs;
  if (!crash || last === undefined) return undefined;
  return {
    seed: run.seed,
    lost: losses.length,
    requests: history.operations.length,
    seconds: (last - crash.atMs) / 1000,
  };
}
