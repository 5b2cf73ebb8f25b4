import { DEFAULT_DURATION_MS } from "./defaults.js";
import type { Fields, FieldSpec } from "./fields.js";
import { parameterFields } from "./parameter-fields.js";
import { scenarioFields } from "./parse.js";
import { hint } from "./suggest.js";
import type { Vocabulary } from "./vocabulary.js";

/**
 * What `kubesim chaos explain [WORD]` prints: everything by its summary, or one fault, invariant or field (`spec.traffic`,
 * `traffic.think`) with what it takes. Throws RangeError for a word that is none of them.
 */
export function explain(vocabulary: Vocabulary, word?: string): string {
  if (word === undefined) return overview(vocabulary);
  const fault = vocabulary.faults.find(({ name }) => name === word);
  if (fault) return explainFault(fault, vocabulary);
  const checker = vocabulary.checkers.find(({ name }) => name === word);
  if (checker)
    return `INVARIANT: ${checker.name}\n\n${checker.summary}\n\n${table(parameterFields(checker.parameters ?? {}), "PARAMETERS")}`;
  const path = word.split(".").filter((step) => step !== "spec");
  const found = findField(scenarioFields(vocabulary, DEFAULT_DURATION_MS), path);
  if (word === "spec" || found)
    return explainField(word, found, scenarioFields(vocabulary, DEFAULT_DURATION_MS));
  throw new RangeError(`"${word}" is no fault, invariant or field${hint(word, wordsOf(vocabulary))}`);
}

const wordsOf = (vocabulary: Vocabulary): string[] => [
  ...vocabulary.faults.map(({ name }) => name),
  ...vocabulary.checkers.map(({ name }) => name),
  ...Object.keys(scenarioFields(vocabulary, DEFAULT_DURATION_MS)),
];

function overview(vocabulary: Vocabulary): string {
  const layers = [...new Set(vocabulary.faults.map(({ layer }) => layer))];
  const faults = layers
    .map((layer) => {
      const ofLayer = vocabulary.faults.filter((fault) => fault.layer === layer);
      return `${layer}:\n${rows(ofLayer.map(({ name, summary }) => [name, summary]))}`;
    })
    .join("");
  const invariants = rows(vocabulary.checkers.map(({ name, summary }) => [name, summary]));
  const fields = scenarioFields(vocabulary, DEFAULT_DURATION_MS);
  const parts = rows(Object.entries(fields).map(([name, { help }]) => [name, help]));
  return `FAULTS, by what they break\n${faults}\nINVARIANTS\n${invariants}\nFIELDS of spec\n${parts}\nMore of each: kubesim chaos explain NAME (kill-pod, request-budget, traffic, faults.target)\n`;
}

function explainFault(fault: Vocabulary["faults"][number], vocabulary: Vocabulary): string {
  const otherwise = fault.otherwise === undefined ? "" : ` (without a target, ${fault.otherwise})`;
  const targets = fault.targets === "none" ? "takes no target" : `hits ${fault.targets}${otherwise}`;
  const held = fault.momentary ? "done at once" : "held for `duration`, or to `until`";
  const parameters = table(parameterFields(fault.parameters, vocabulary.readObjects), "PARAMETERS");
  return `FAULT: ${fault.name}\nLAYER: ${fault.layer}\n\n${fault.summary}\n${targets}; ${held}\n\n${parameters}`;
}

/** A field below others: `traffic`, `faults.target.mode`. */
function findField(fields: Fields, path: readonly string[]): FieldSpec | undefined {
  const [first = "", ...rest] = path;
  const found = Object.hasOwn(fields, first) ? fields[first] : undefined;
  if (!found || rest.length === 0) return found;
  return found.fields && findField(found.fields, rest);
}

function explainField(word: string, field: FieldSpec | undefined, root: Fields): string {
  if (!field) return table(root, "FIELDS");
  const initial = field.default === undefined ? "" : `\nDEFAULT: ${field.default}`;
  const below = field.fields ? `\n\n${table(field.fields, "FIELDS")}` : "\n";
  return `FIELD: ${word} <${field.type}>${initial}\n\n${field.help}${below}`;
}

function table(fields: Fields, title: string): string {
  const entries = Object.entries(fields);
  if (entries.length === 0) return `${title}: none\n`;
  const lines = entries.map(([name, { type, help, required, default: initial }]) => {
    const more = required ? " (required)" : initial === undefined ? "" : ` (default ${initial})`;
    return `  ${name} <${type}>${more}\n      ${help}\n`;
  });
  return `${title}\n${lines.join("")}`;
}

function rows(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length), 18) + 2;
  return lines.map(([name, summary]) => `  ${name.padEnd(width)}${summary}\n`).join("");
}
