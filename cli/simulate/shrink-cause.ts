import { readFileSync, writeFileSync } from "node:fs";
import { parseScenario } from "../../chaos/scenario/parse.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { causeKey, type FoundCause } from "../../simulation/causes.js";
import { type ScenarioDocument, shrink } from "../../simulation/shrink.js";
import { vocabularyOf } from "../scenario-file.js";
import type { CliContext } from "../command.js";
import type { Progress } from "./progress.js";
import type { SeedPool } from "./seed-pool.js";

export interface ShrinkCauseOptions {
  cause: FoundCause;
  scenario: Scenario;
  file: string;
  /** Where it is written; beside `file` otherwise. */
  to: string | undefined;
  pool: SeedPool;
  progress: Progress;
  context: CliContext;
}

export interface Shrunk {
  file: string;
  runs: number;
  steps: number;
  durationMs: number;
}

/** Scenarios that are tried. */
const MOST_RUNS = 40;
/** A smaller scenario may need another interleaving to show the same. */
const OTHER_SEEDS = ["/a", "/b"];

/** The shortest scenario that shows the same violation from the same seed, written to a file. */
export async function shrinkCause(options: ShrinkCauseOptions): Promise<Shrunk | undefined> {
  const { cause, scenario, file, pool, progress, context } = options;
  const { load, dump } = await import("js-yaml");
  const original = load(readFileSync(file, "utf8")) as ScenarioDocument;
  const parsed = (document: ScenarioDocument): Scenario | undefined => {
    const { scenario: read, errors } = parseScenario(document, vocabularyOf(file));
    return errors.length > 0 ? undefined : { ...read, manifests: scenario.manifests };
  };
  const showsCause = async (candidate: Scenario): Promise<boolean> => {
    if (context.signal.aborted) return false;
    const { violations } = await pool.run(candidate);
    return violations.some((violation) => causeKey(violation.cause) === causeKey(cause.cause));
  };
  const failing = async (document: ScenarioDocument): Promise<ScenarioDocument | undefined> => {
    const candidate = parsed(document);
    if (!candidate) return undefined;
    if (await showsCause(candidate)) return document;
    const others = OTHER_SEEDS.map((suffix) => `${cause.firstSeed}${suffix}`);
    const shown = await Promise.all(others.map((seed) => showsCause({ ...candidate, seed })));
    const seed = others[shown.indexOf(true)];
    return seed === undefined ? undefined : withSeed(document, seed);
  };
  const start = named(original, scenario, cause.firstSeed);
  const { document, runs } = await shrink({
    document: start,
    failing,
    limit: MOST_RUNS,
    onStep: ({ runs: done, change }) => progress.line(`shrinking, ${done} runs: ${change}`),
  });
  const smallest = parsed(document);
  if (!smallest) return undefined;
  const to = options.to ?? file.replace(/(\.ya?ml)?$/, ".shrunk.yaml");
  writeFileSync(to, dump(document, { lineWidth: 110 }));
  return { file: to, runs, steps: smallest.faults.length, durationMs: smallest.durationMs };
}

const withSeed = (document: ScenarioDocument, seed: string): ScenarioDocument => ({
  ...document,
  spec: { ...(document["spec"] as object), seed },
});

/** With one list of steps, each by the name that its chance is forked by, and the seed that failed. */
function named(document: ScenarioDocument, scenario: Scenario, seed: string): ScenarioDocument {
  const {
    faults: first = [],
    steps: second = [],
    ...spec
  } = (document["spec"] ?? {}) as Record<string, unknown>;
  const raw = [...(first as object[]), ...(second as object[])];
  const steps = raw.map((step, i) => ({ name: scenario.faults[i]?.name ?? `step-${i + 1}`, ...step }));
  return {
    ...document,
    spec: { ...spec, seed, duration: `${scenario.durationMs}ms`, ...(steps.length > 0 ? { steps } : {}) },
  };
}
