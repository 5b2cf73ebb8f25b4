import { deployments } from "../../machinery/api/apps-v1.js";
import { applyStrategicMergePatch } from "../../machinery/api/patch/strategic.js";
import { inWords, nextRemedies, patchOf, type Remedies } from "../../chaos/verify/remedies.js";
import { type Given, type GivenDeployment, sameObject, type Subject } from "../../chaos/verify/subject.js";
import { upheavals } from "../../chaos/verify/upheavals.js";
import type { LossKind } from "../../chaos/verify/loss.js";
import type { SeedRunner } from "../simulate/seed-pool.js";
import { exploreUpheavals, runsOf, type UpheavalResult } from "./exploration.js";
import type { PlannedRun, VerifySettings } from "./plan.js";

/** What to change, and what came of it. */
export interface Advice {
  remedies: Remedies;
  words: string;
  patch: Record<string, unknown>;
  /** Every planned run held with it. */
  proved: boolean;
  runs: number;
  requests: number;
  /** What is still lost with everything that was tried. */
  remaining?: { upheaval: string; seed: string; example: string };
}

export interface AdviseOptions {
  subject: Subject;
  results: readonly UpheavalResult[];
  settings: VerifySettings;
  pool: SeedRunner;
  signal: AbortSignal;
  onTry?: (words: string, done: number, planned: number) => void;
}

const MOST_TRIES = 20;

/** Tries one change after the other, each with all that is planned, until nothing is lost. Undefined: nothing can be said. */
export async function advise(options: AdviseOptions): Promise<Advice | undefined> {
  const { subject, settings, pool, signal, onTry } = options;
  let remedies: Remedies | undefined = {};
  let lost = options.results.flatMap(violationOf);
  let advice: Advice | undefined;
  for (let tries = 0; tries < MOST_TRIES && !signal.aborted; tries++) {
    remedies = nextFor(remedies, lost, subject.deployment);
    if (!remedies) return advice;
    const words = inWords(remedies);
    const patch = patchOf(remedies, subject);
    const results = await exploreUpheavals({
      subject: await patched(subject, patch),
      settings,
      pool,
      signal,
      stopAtFirst: true,
      first: lost.map(({ run }) => run),
      onRun: (done, planned) => onTry?.(words, done, planned),
    });
    lost = results.flatMap(violationOf);
    const requests = results.reduce((sum, result) => sum + result.requests, 0);
    advice = { remedies, words, patch, proved: false, runs: runsOf(results), requests };
    const [still] = lost;
    if (!still) return { ...advice, proved: !signal.aborted };
    advice.remaining = { upheaval: still.run.upheaval.name, seed: still.run.seed, example: still.example };
  }
  return advice;
}

interface Lost {
  run: PlannedRun;
  kind: LossKind | undefined;
  example: string;
}

function violationOf({ upheaval: name, violation }: UpheavalResult): Lost[] {
  const upheaval = upheavals.find((known) => known.name === name);
  if (!upheaval || !violation) return [];
  return [{ run: { upheaval, seed: violation.seed }, kind: violation.kind, example: violation.example }];
}

/** What helps against the first loss that anything helps against. */
function nextFor(given: Remedies, lost: readonly Lost[], deployment: GivenDeployment): Remedies | undefined {
  for (const { kind } of lost) {
    const next = nextRemedies(given, kind, deployment);
    if (next) return next;
  }
  return undefined;
}

/** The same files with the patch in the Deployment. */
export async function patched(subject: Subject, patch: Record<string, unknown>): Promise<Subject> {
  const { BuiltinSchemas } = await import("../../apiserver/openapi/builtin-schemas.js");
  const schema = new BuiltinSchemas().schemaOf(deployments);
  const deployment = applyStrategicMergePatch(subject.deployment, patch, schema) as GivenDeployment;
  const objects = subject.objects.map((object) =>
    sameObject(object, subject.deployment) ? (deployment as Given) : object,
  );
  return { ...subject, deployment, objects };
}
