import { cpus } from "node:os";
import type { ExploredSeed } from "../../chaos/reports/exploration.js";
import { type JournalOptions, newJournal } from "../../chaos/reports/journal.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import type { ReadManifests } from "../../simulation/cluster-access.js";
import { runSeed } from "../../simulation/run-seed.js";
import { COULD_NOT_RUN, HELD, VIOLATED } from "../chaos/flags.js";
import { writeReportFiles } from "../chaos/report-files.js";
import { tellJournal, type TellOptions, writeUnjudged } from "../chaos/tell.js";
import type { CliContext } from "../command.js";
import { UserError } from "../supervisor/cluster.js";
import { explore, type Exploration, seedsFrom } from "./explore.js";
import { withFiles } from "./manifest-files.js";
import { Progress } from "./progress.js";
import { SeedPool } from "./seed-pool.js";
import { shrinkCause } from "./shrink-cause.js";
import { tellExploration } from "./tell-exploration.js";
import { toExploredSeed, toReported } from "./to-exploration.js";
import { Trace } from "./trace.js";

export interface SimulateOptions {
  scenario: Scenario;
  file: string;
  options: {
    seeds?: number | undefined;
    jobs?: number | undefined;
    replay?: string | undefined;
    trace: boolean;
    shrunk?: string | undefined;
  } & TellOptions;
  context: CliContext;
}

const MOST_JOBS = 8;

/** `kubesim chaos run SCENARIO.yaml --simulate`: one seed in full, or many seeds and what they have in common. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const { seeds = 1, replay, jobs } = options.options;
  if (!Number.isInteger(seeds) || seeds < 1) throw new UserError("--seeds must be at least 1", COULD_NOT_RUN);
  if (jobs !== undefined && jobs < 1) throw new UserError("--jobs must be at least 1", COULD_NOT_RUN);
  if (replay !== undefined || seeds === 1) return one(options);
  return many(options, seeds);
}

async function one({ scenario: given, file, options, context }: SimulateOptions): Promise<number> {
  const { scenario, files } = withFiles(given);
  const json = options.output === "json";
  const say = (line: string): void => {
    if (!json) context.stdout.write(`${line}\n`);
  };
  const trace = options.trace ? new Trace() : undefined;
  say(`scenario ${scenario.name}, simulated, seed ${scenario.seed}, ${scenario.durationMs / 1000} s`);
  const run = await runSeed({
    scenario,
    files,
    signal: context.signal,
    onEvent: (line) => {
      if (trace) trace.note("scenario", line);
      else say(`  ${line}`);
    },
    ...(trace ? { logger: trace.logger, onCluster: (cluster) => trace.follow(cluster) } : {}),
  });
  await trace?.show(context);
  const about = journalOptions(scenario, file, run.hash);
  if (run.report) tellJournal(newJournal({ ...about, report: run.report }), options, context);
  else if (run.cannotRun) writeUnjudged(run.cannotRun, about, options);
  say(`history ${run.hash}`);
  if (run.error !== undefined) context.stderr.write(`error: ${run.error}\n`);
  if (!run.report || run.error !== undefined) return COULD_NOT_RUN;
  return run.report.held ? HELD : VIOLATED;
}

async function many(options: SimulateOptions, seeds: number): Promise<number> {
  const { context, file } = options;
  const { scenario, files } = withFiles(options.scenario);
  const json = options.options.output === "json";
  const jobs = options.options.jobs ?? Math.min(MOST_JOBS, cpus().length);
  const pool = new SeedPool({ jobs, files });
  const progress = new Progress({ context, seeds, quiet: json });
  const bySeed: ExploredSeed[] = [];
  const wanted = seedsFrom(scenario.seed, seeds);
  try {
    const found = await explore({
      scenario,
      seeds: wanted,
      pool,
      signal: context.signal,
      onSeed: (done, summary) => {
        progress.seeds(done);
        bySeed.push(toExploredSeed(summary));
      },
    });
    progress.end();
    const { tookMs } = progress;
    const first = [...found.causes].sort((a, b) => a.firstIndex - b.firstIndex)[0];
    const shrunk =
      first && !context.signal.aborted
        ? await shrinkCause({
            cause: first,
            scenario,
            file,
            to: options.options.shrunk,
            pool,
            progress,
            context,
          })
        : undefined;
    progress.end();
    tellExploration({ wanted: seeds, found, scenario, file, shrunk, json, tookMs, context });
    const order = new Map(wanted.map((seed, i) => [seed, i]));
    bySeed.sort((a, b) => (order.get(a.seed) ?? 0) - (order.get(b.seed) ?? 0));
    await writeExploration(options, { scenario, files, found, bySeed });
    return exitCode(found, context.signal);
  } finally {
    pool.close();
  }
}

const journalOptions = (
  scenario: Scenario,
  file: string,
  hash: string,
): Pick<JournalOptions, "scenario" | "mode" | "replay" | "hash"> => ({
  scenario,
  mode: "simulated",
  replay: `kubesim chaos run ${file} --simulate --replay ${scenario.seed}`,
  hash,
});

interface Explored {
  scenario: Scenario;
  files: ReadManifests;
  found: Exploration;
  bySeed: readonly ExploredSeed[];
}

/** The files that are wanted: of the first seed that was violated (else of the first), with what all seeds came to. */
async function writeExploration(
  { scenario: given, file, options, context }: SimulateOptions,
  { scenario, files, found, bySeed }: Explored,
): Promise<void> {
  const { journal, junit, html, perfdata } = options;
  if ([journal, junit, html, perfdata].every((wanted) => wanted === undefined) || context.signal.aborted)
    return;
  const [first] = [...found.causes].sort((a, b) => a.firstIndex - b.firstIndex);
  const seed = first?.firstSeed ?? found.couldNotRun[0]?.seed ?? given.seed;
  const run = await runSeed({ scenario: { ...scenario, seed }, files, signal: context.signal });
  const about = {
    ...journalOptions({ ...scenario, seed }, file, run.hash),
    exploration: toReported(found, bySeed),
  };
  if (run.report) writeReportFiles(newJournal({ ...about, report: run.report }), options);
  else if (run.cannotRun) writeUnjudged(run.cannotRun, about, options);
}

function exitCode(found: Exploration, signal: AbortSignal): number {
  if (found.violated > 0) return VIOLATED;
  return found.couldNotRun.length > 0 || signal.aborted ? COULD_NOT_RUN : HELD;
}
