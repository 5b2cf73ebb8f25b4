import type { Subject } from "../../chaos/verify/subject.js";
import { coverageOf } from "../../chaos/verify/scenario.js";
import { upheavals } from "../../chaos/verify/upheavals.js";
import type { CliContext } from "../command.js";
import { withFiles } from "../simulate/manifest-files.js";
import type { Progress } from "../simulate/progress.js";
import { SeedPool, type SeedRunner } from "../simulate/seed-pool.js";
import { type Advice, advise } from "./advise.js";
import { tryCalmRun } from "./baseline.js";
import { type Counterexample, counterexampleOf, type CrashLoss, crashLossOf } from "./counterexample.js";
import { exploreUpheavals, runsOf, type UpheavalResult } from "./exploration.js";
import { type PlannedRun, upheavalsOf, type VerifySettings } from "./plan.js";
import { newScenario } from "../../chaos/scenario/defaults.js";

/** What verify found of one Deployment. Plain JSON. */
export interface Verification {
  deployment: string;
  services: string[];
  replicas: number;
  held: boolean;
  runs: number;
  requests: number;
  seeds: { first: string; count: number };
  /** Who called, and what nobody tried. */
  covered: string[];
  notCovered: string[];
  upheavals: UpheavalResult[];
  counterexamples: Counterexample[];
  advice?: Advice;
  /** Whether advice was looked for. */
  asked: boolean;
  /** What a crashed node took with it. */
  crash?: CrashLoss;
  foundAfterMs?: number;
  tookMs: number;
  interrupted?: boolean;
}

export interface VerifyOptions {
  subject: Subject;
  settings: VerifySettings;
  jobs: number;
  context: CliContext;
  progress: Progress;
  /** The search for a change that helps. */
  withAdvice: boolean;
}

/** Looks for a lost request in every kind of upheaval, tells the shortest way to each, and tries what would help. */
export async function verifySubject(options: VerifyOptions): Promise<Verification> {
  const { subject, settings, jobs, context, progress } = options;
  const { signal, clock } = context;
  const beganMs = clock.monotonicMs();
  progress.line(`${subject.name}: a run in which nothing happens`);
  await tryCalmRun(subject, settings);
  const { files } = withFiles(newScenario({ name: "dns" }));
  const pool = new SeedPool({ jobs, files });
  let foundAfterMs: number | undefined;
  try {
    const results = await exploreUpheavals({
      subject,
      settings,
      pool,
      signal,
      stopAtFirst: false,
      onRun: (done, planned) => progress.line(`${subject.name}: ${done} of ${planned} runs`),
      onLoss: () => {
        foundAfterMs ??= clock.monotonicMs() - beganMs;
      },
    });
    const verification = summaryOf(subject, settings, results);
    if (foundAfterMs !== undefined) {
      verification.foundAfterMs = foundAfterMs;
      verification.counterexamples = await counterexamples(options, pool, results);
      verification.asked = options.withAdvice;
      if (options.withAdvice && !signal.aborted) await addAdvice(verification, options, pool, results);
    }
    const crash = await crashLoss(options, results);
    if (crash) verification.crash = crash;
    if (signal.aborted) verification.interrupted = true;
    return { ...verification, tookMs: clock.monotonicMs() - beganMs };
  } finally {
    pool.close();
  }
}

function summaryOf(
  subject: Subject,
  { firstSeed, seeds }: VerifySettings,
  results: UpheavalResult[],
): Verification {
  const [calmest = upheavals[0]] = upheavalsOf(subject);
  const { covered, notCovered } = calmest ? coverageOf(subject, calmest) : { covered: [], notCovered: [] };
  const skipped = upheavals.flatMap((upheaval) => {
    const why = upheaval.notFor?.(subject);
    return why === undefined ? [] : [`${upheaval.name}: ${why}`];
  });
  return {
    deployment: `${subject.namespace}/${subject.name}`,
    services: subject.services.map(({ metadata }) => metadata.name),
    replicas: subject.deployment.spec?.replicas ?? 1,
    held: results.every(({ violation }) => violation === undefined),
    runs: runsOf(results),
    requests: results.reduce((sum, { requests }) => sum + requests, 0),
    seeds: { first: firstSeed, count: seeds },
    covered,
    notCovered: [...notCovered, ...skipped],
    upheavals: results,
    counterexamples: [],
    asked: false,
    tookMs: 0,
  };
}

/** One for each way in which requests are lost, not for each upheaval that loses them so. */
async function counterexamples(
  { subject, settings, context, progress }: VerifyOptions,
  pool: SeedRunner,
  results: readonly UpheavalResult[],
): Promise<Counterexample[]> {
  const found: Counterexample[] = [];
  const seen = new Set<string>();
  for (const result of results) {
    const run = violatingRun(result);
    const kind = result.violation?.kind ?? "other";
    if (!run || seen.has(familyOf(kind)) || context.signal.aborted) continue;
    seen.add(familyOf(kind));
    const counterexample = await counterexampleOf({
      subject,
      run,
      settings,
      pool,
      signal: context.signal,
      onStep: (runs, change) => progress.line(`${subject.name}: shrinking, ${runs} runs: ${change}`),
    });
    if (counterexample) found.push(counterexample);
  }
  return found;
}

/** A request that comes as the port closes is refused or cut off: one cause, one remedy. */
const familyOf = (kind: string): string => (kind === "cut-short" ? "closed-port" : kind);

function violatingRun({ upheaval: name, violation }: UpheavalResult): PlannedRun | undefined {
  const upheaval = upheavals.find((known) => known.name === name);
  return upheaval && violation ? { upheaval, seed: violation.seed } : undefined;
}

async function addAdvice(
  verification: Verification,
  { subject, settings, context, progress }: VerifyOptions,
  pool: SeedRunner,
  results: readonly UpheavalResult[],
): Promise<void> {
  const advice = await advise({
    subject,
    results,
    settings,
    pool,
    signal: context.signal,
    onTry: (words, done, planned) =>
      progress.line(`${subject.name}: with ${words}: ${done} of ${planned} runs`),
  });
  if (advice) verification.advice = advice;
}

async function crashLoss(
  { subject, settings, context }: VerifyOptions,
  results: readonly UpheavalResult[],
): Promise<CrashLoss | undefined> {
  const upheaval = upheavals.find(({ name }) => name === "node crash");
  const result = results.find((candidate) => candidate.upheaval === "node crash");
  if (!upheaval || !result || result.lost === 0 || context.signal.aborted) return undefined;
  return crashLossOf(subject, { upheaval, seed: settings.firstSeed }, settings);
}
