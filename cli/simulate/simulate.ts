import { cpus } from "node:os";
import type { RunReport } from "../../chaos/judge.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { runSeed } from "../../simulation/run-seed.js";
import type { CliContext } from "../command.js";
import { UserError } from "../supervisor/cluster.js";
import { explore, type Exploration, seedsFrom } from "./explore.js";
import { withFiles } from "./manifest-files.js";
import { Progress } from "./progress.js";
import { SeedPool } from "./seed-pool.js";
import { shrinkCause } from "./shrink-cause.js";
import { tellExploration } from "./tell-exploration.js";
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
    output?: string | undefined;
  };
  context: CliContext;
  /** Prints the report of one run. */
  tell: (report: RunReport) => void;
}

const HELD = 0;
const VIOLATED = 1;
const COULD_NOT_RUN = 2;
const MOST_JOBS = 8;

/** `kubesim chaos run SCENARIO.yaml --simulate`: one seed in full, or many seeds and what they have in common. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const { seeds = 1, replay, jobs } = options.options;
  if (!Number.isInteger(seeds) || seeds < 1) throw new UserError("--seeds must be at least 1", COULD_NOT_RUN);
  if (jobs !== undefined && jobs < 1) throw new UserError("--jobs must be at least 1", COULD_NOT_RUN);
  if (replay !== undefined || seeds === 1) return one(options);
  return many(options, seeds);
}

async function one({ scenario: given, options, context, tell }: SimulateOptions): Promise<number> {
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
  if (run.report) tell(run.report);
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
  try {
    const found = await explore({
      scenario,
      seeds: seedsFrom(scenario.seed, seeds),
      pool,
      signal: context.signal,
      onSeed: (done) => progress.seeds(done),
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
    return exitCode(found, context.signal);
  } finally {
    pool.close();
  }
}

function exitCode(found: Exploration, signal: AbortSignal): number {
  if (found.violated > 0) return VIOLATED;
  return found.couldNotRun.length > 0 || signal.aborted ? COULD_NOT_RUN : HELD;
}
