/** Field selectors: `metadata.name=web,spec.nodeName!=` (apimachinery pkg/fields). */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[];
}

export const EVERY_FIELD: FieldSelector = { requirements: [] };

/** The text of a field selector that cannot be parsed. */
export class FieldSelectorError extends Error {
  override readonly name = "FieldSelectorError";
}

/** Throws FieldSelectorError. `\` escapes `,`, `=` and itself in values. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    const split = splitTerm(term);
    if (!split) throw new FieldSelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    requirements.push({ ...split, value: unescapeValue(split.value) });
  }
  return { requirements };
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function splitTerm(term: string): FieldRequirement | undefined {
  for (let i = 0; i < term.length; i++) {
    const rest = term.slice(i, i + 2);
    if (rest === "!=" || rest === "==")
      return { field: term.slice(0, i), operator: rest === "!=" ? "!=" : "=", value: term.slice(i + 2) };
    if (term[i] === "=") return { field: term.slice(0, i), operator: "=", value: term.slice(i + 1) };
  }
  return undefined;
}

function unescapeValue(text: string): string {
  if (!text.includes("\\") && !text.includes("=")) return text;
  let value = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\") {
      const escaped = text[++i];
      if (escaped !== "\\" && escaped !== "," && escaped !== "=")
        throw new FieldSelectorError(`invalid field selector: invalid escape sequence: \\${escaped ?? ""}`);
      value += escaped;
    } else if (char === "=")
      throw new FieldSelectorError(`invalid field selector: unescaped rune in value: ${char}`);
    else value += char;
  }
  return value;
}

const escapeValue = (value: string): string => value.replace(/[\\,=]/g, (char) => `\\${char}`);

export const formatFieldSelector = ({ requirements }: FieldSelector): string =>
  requirements.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(",");

export function matchesFields(
  { requirements }: FieldSelector,
  fields: Readonly<Record<string, string>>,
): boolean {
  for (const { field, operator, value } of requirements) {
    const equal = (fields[field] ?? "") === value;
    if (equal !== (operator === "=")) return false;
  }
  return true;
}

/** The value that an `=` requirement pins a field to. */
export const requiredValue = ({ requirements }: FieldSelector, name: string): string | undefined =>
  requirements.find(({ field, operator }) => field === name && operator === "=")?.value;
