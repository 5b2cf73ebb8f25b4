import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkers } from "../chaos/checkers.js";
import { faults } from "../chaos/faults.js";
import { parseScenario } from "../chaos/scenario/parse.js";
import type { Vocabulary } from "../chaos/scenario/vocabulary.js";
import type { Scenario } from "../chaos/scenario/types.js";
import { toMessage } from "../machinery/api/field-error.js";
import { readManifests } from "./manifests.js";
import { UserError } from "./supervisor/cluster.js";

const COULD_NOT_RUN = 2;

/**
 * The scenario of a file; paths in it are relative to its folder. Throws UserError (exit code 2) that tells every mistake.
 */
export async function readScenarioFile(file: string, seed?: string): Promise<Scenario> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new UserError(`the path "${file}" does not exist`, COULD_NOT_RUN);
  }
  const [{ load }, { explainYamlError }] = await Promise.all([import("js-yaml"), import("./yaml-error.js")]);
  let document: unknown;
  try {
    document = load(text);
  } catch (err) {
    throw new UserError(explainYamlError(err, text, file), COULD_NOT_RUN);
  }
  const { scenario, errors } = parseScenario(document, vocabularyOf(file));
  if (errors.length > 0) {
    throw new UserError(
      `Scenario "${scenario.name}" is invalid:\n${errors.map((e) => `  ${toMessage(e)}`).join("\n")}`,
      COULD_NOT_RUN,
    );
  }
  return {
    ...scenario,
    seed: seed ?? scenario.seed,
    manifests: scenario.manifests.map((source) =>
      typeof source === "string" ? below(file, source) : source,
    ),
  };
}

/** What the scenario in this file can name. */
export const vocabularyOf = (file: string): Vocabulary => ({
  faults,
  checkers,
  readObjects: (path) => readManifests([below(file, path)]).map(({ object }) => ({ ...object })),
});

const below = (file: string, path: string): string => resolve(dirname(file), path);
