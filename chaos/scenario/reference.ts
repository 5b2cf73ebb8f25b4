import { DEFAULT_DURATION_MS } from "./defaults.js";
import type { Fields } from "./fields.js";
import { parameterFields } from "./parameter-fields.js";
import { scenarioFields } from "./parse.js";
import type { Vocabulary } from "./vocabulary.js";

/** Every field, fault and invariant as a page of Markdown: `docs/scenario-reference.md`. */
export function scenarioReference(vocabulary: Vocabulary): string {
  const fields = sections("spec", scenarioFields(vocabulary, DEFAULT_DURATION_MS), new Set());
  const faults = vocabulary.faults.map((fault) => {
    const held = fault.momentary ? "done at once" : "held";
    const otherwise = fault.otherwise === undefined ? "" : `, else ${fault.otherwise}`;
    const hits = fault.targets === "none" ? "" : `hits ${fault.targets}${otherwise}; `;
    const parameters =
      Object.keys(fault.parameters).length > 0 ? `\n${table(parameterFields(fault.parameters))}` : "";
    return `### ${fault.name}\n\n${sentence(fault.summary)} (${fault.layer}; ${hits}${held})\n${parameters}`;
  });
  const invariants = vocabulary.checkers.map(({ name, summary, parameters = {} }) => {
    const more = Object.keys(parameters).length > 0 ? `\n${table(parameterFields(parameters))}` : "";
    return `### ${name}\n\n${sentence(summary)}\n${more}`;
  });
  return [
    "# Fields, faults and invariants of scenarios\n",
    "Made from the table that reads scenario files; what it all means is told in [scenarios.md](scenarios.md).\n",
    "## Fields\n",
    ...fields,
    "## Faults\n",
    overview(vocabulary.faults),
    ...faults,
    "## Invariants\n",
    ...invariants,
  ].join("\n");
}

/** All of them at a glance, by layer. */
function overview(faults: Vocabulary["faults"]): string {
  const layers = [...new Set(faults.map(({ layer }) => layer))];
  const rows = layers.map((layer) => {
    const names = faults.filter((fault) => fault.layer === layer).map(({ name }) => `[${name}](#${name})`);
    return `| ${layer} | ${names.join(", ")} |`;
  });
  return `| layer | faults |\n| --- | --- |\n${rows.join("\n")}\n`;
}

/** A table for these fields, and one for each that has fields of its own; a field that stands in two places is told once. */
function sections(path: string, fields: Fields, told: Set<Fields>): string[] {
  if (told.has(fields)) return [];
  told.add(fields);
  const below = Object.entries(fields).flatMap(([name, { fields: inner }]) =>
    inner && name !== "steps" ? sections(`${path}.${name}`, inner, told) : [],
  );
  return [`### ${path}\n\n${table(fields)}`, ...below];
}

function table(fields: Fields): string {
  const rows = Object.entries(fields).map(
    ([name, { type, required, default: initial, help }]) =>
      `| \`${name}\` | ${cell(type)} | ${required ? "required" : cell(initial ?? "")} | ${cell(help)} |`,
  );
  return `| field | type | default | means |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
