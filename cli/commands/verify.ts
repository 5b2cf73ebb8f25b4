import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { CannotRun } from "../../chaos/cannot-run.js";
import { parseDurationMs } from "../../chaos/scenario/quantities.js";
import { StatusError } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { Progress } from "../simulate/progress.js";
import { UserError } from "../supervisor/cluster.js";
import { readInput } from "../verify/input.js";
import type { VerifySettings } from "../verify/plan.js";
import { tellVerification } from "../verify/tell-verification.js";
import { type Verification, verifySubject } from "../verify/verify.js";

const flags = {
  filename: {
    kind: "list",
    short: "f",
    help: "Files, folders, or - for standard input, with a Deployment and its Service.",
  },
  recursive: { kind: "bool", short: "R", help: "Also the folders below." },
  service: { kind: "string", help: "Only this Service, and the Deployment behind it." },
  seeds: { kind: "int", help: "Runs in all, spread over the kinds of upheaval.", default: 100 },
  seed: { kind: "string", help: "The first seed.", default: "1" },
  jobs: { kind: "int", help: "So many processes beside each other. Default: one per CPU, at most 8." },
  duration: {
    kind: "string",
    help: "Of each run, as 30s. Default: as long as the manifest's probes and hooks take.",
  },
  strict: { kind: "bool", help: "What a crashed node takes with it counts as lost." },
  advice: { kind: "bool", help: "Look for a change that helps, and prove it.", default: true },
  counterexample: {
    kind: "string",
    help: "Write the shortest run that loses a request to this file, as a scenario.",
  },
  output: { kind: "string", short: "o", help: "json: everything that was found." },
} as const satisfies FlagSpecs;

type VerifyFlags = ReturnType<typeof parseFlags<typeof flags>>["flags"];

const HELD = 0;
const VIOLATED = 1;
const COULD_NOT_RUN = 2;
const MOST_JOBS = 8;

/** `kubesim verify -f app.yaml`: whether a rolling update, a drain or an eviction can lose a request. */
export const verifyCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    try {
      return await verify(options, positionals, context);
    } catch (err) {
      const known = err instanceof UserError || err instanceof StatusError || err instanceof CannotRun;
      if (!known) throw err;
      context.stderr.write(`error: ${err.message}\n`);
      return COULD_NOT_RUN;
    }
  },
};

async function verify(
  options: VerifyFlags,
  positionals: readonly string[],
  context: CliContext,
): Promise<number> {
  const settings = settingsOf(options);
  if (options.filename.length === 0 || positionals.length > 0)
    throw new UserError("usage: kubesim verify -f FILE [--seeds N] [--jobs J] [--service NAME] [-o json]");
  const { service, recursive } = options;
  const { subjects, leftOut } = await readInput(options.filename, { service, recursive }, context);
  const json = options.output === "json";
  const verifications: Verification[] = [];
  for (const [i, subject] of subjects.entries()) {
    const progress = new Progress({ context, seeds: settings.seeds, quiet: json });
    const jobs = options.jobs ?? Math.min(MOST_JOBS, cpus().length);
    const found = await verifySubject({
      subject,
      settings,
      jobs,
      context,
      progress,
      withAdvice: options.advice,
    }).finally(() => progress.end());
    verifications.push(found);
    if (json) continue;
    if (i > 0) context.stdout.write("\n");
    await tellVerification(found, context);
  }
  if (json) context.stdout.write(`${JSON.stringify({ leftOut, verifications }, undefined, 2)}\n`);
  else for (const object of leftOut) context.stdout.write(`not simulated, left out: ${object}\n`);
  await writeCounterexample(verifications, options.counterexample);
  return exitCode(verifications);
}

function settingsOf(options: VerifyFlags): VerifySettings {
  const { seeds = 100, seed = "1", jobs, duration, output, strict } = options;
  if (!Number.isInteger(seeds) || seeds < 1) throw new UserError("--seeds must be at least 1");
  if (jobs !== undefined && jobs < 1) throw new UserError("--jobs must be at least 1");
  if (output !== undefined && output !== "json")
    throw new UserError(
      `unable to match a printer suitable for the output format "${output}", allowed formats are: json`,
    );
  const durationMs = duration === undefined ? undefined : parseDurationMs(duration);
  if (duration !== undefined && (durationMs === undefined || durationMs < 10_000))
    throw new UserError(`--duration must be a time of at least 10s, such as 30s: ${duration}`);
  return { seeds, firstSeed: seed, durationMs, strict };
}

async function writeCounterexample(found: readonly Verification[], file: string | undefined): Promise<void> {
  const [first] = found.flatMap(({ counterexamples }) => counterexamples);
  if (file === undefined || !first) return;
  const { dump } = await import("js-yaml");
  writeFileSync(file, dump(first.document, { lineWidth: 110, noRefs: true }));
}

function exitCode(found: readonly Verification[]): number {
  if (found.some(({ held }) => !held)) return VIOLATED;
  return found.some(({ runs, interrupted }) => runs === 0 || interrupted) ? COULD_NOT_RUN : HELD;
}
