import { checkers } from "../../chaos/checkers.js";
import { faults } from "../../chaos/faults.js";
import { parseScenario } from "../../chaos/scenario/parse.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import { verifyDocument } from "../../chaos/verify/scenario.js";
import type { Subject } from "../../chaos/verify/subject.js";
import { type Upheaval, upheavals } from "../../chaos/verify/upheavals.js";
import { toMessage } from "../../machinery/api/field-error.js";
import { withFiles } from "../simulate/manifest-files.js";
import { seedsFrom } from "../simulate/explore.js";
import { UserError } from "../supervisor/cluster.js";

export interface VerifySettings {
  seeds: number;
  /** Where the seeds begin. */
  firstSeed: string;
  durationMs?: number | undefined;
  strict: boolean;
}

/** One run that is to be made. */
export interface PlannedRun {
  upheaval: Upheaval;
  seed: string;
}

const COULD_NOT_RUN = 2;

export const upheavalsOf = (subject: Subject): Upheaval[] =>
  upheavals.filter((upheaval) => upheaval.notFor?.(subject) === undefined);

/** The seeds, spread over what can happen to the Deployment: as many in all as were asked for, each kind at least once. */
export function planOf(subject: Subject, { seeds, firstSeed }: VerifySettings): PlannedRun[] {
  const kinds = upheavalsOf(subject);
  const shares = kinds.reduce((sum, { share }) => sum + share, 0);
  const queues = kinds.map((upheaval) => {
    const count = Math.max(1, Math.round((seeds * upheaval.share) / shares));
    return seedsFrom(firstSeed, count).map((seed) => ({ upheaval, seed }));
  });
  const longest = Math.max(...queues.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => queues.flatMap((queue) => queue[i] ?? [])).flat();
}

/** The scenario of a document that verify made, as `chaos run --simulate` would run it. */
export function scenarioOf(document: unknown): Scenario {
  const { scenario, errors } = parseScenario(document, { faults, checkers });
  if (errors.length > 0)
    throw new UserError(
      `cannot be verified so:\n${errors.map((e) => `  ${toMessage(e)}`).join("\n")}`,
      COULD_NOT_RUN,
    );
  return withFiles(scenario).scenario;
}

/** The scenario of one planned run. */
export const scenarioFor = (
  subject: Subject,
  { upheaval, seed }: PlannedRun,
  { durationMs, strict }: VerifySettings,
): Scenario => scenarioOf(verifyDocument({ subject, upheaval, seed, durationMs, strict }));
