import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required as requiredError,
} from "../../machinery/api/field-error.js";
import { parseDurationMs, parsePercent } from "./quantities.js";
import { hint } from "./suggest.js";
import type { Range } from "./types.js";

export type JsonSchema = Readonly<Record<string, unknown>>;
export type Raw = Readonly<Record<string, unknown>>;

/**
 * What one field of a scenario file may hold: the one table from which files are read, the JSON Schema is made and
 * `explain` prints. `read` answers undefined after it has told an error.
 */
export interface FieldType<T = unknown> {
  /** As people say it: `duration`, `list of text`. */
  type: string;
  schema: JsonSchema;
  read(value: unknown, at: FieldPath, errors: FieldError[]): T | undefined;
  /** Of an object, or of the objects in a list. */
  fields?: Fields;
}

export interface FieldSpec<T = unknown> extends FieldType<T> {
  help: string;
  required?: boolean;
  /** As it would be written in a file. */
  default?: string;
}

export type Fields = Readonly<Record<string, FieldSpec>>;

export type Values<F extends Fields> = {
  [K in keyof F]?: F[K] extends FieldSpec<infer T> ? T : never;
};

/** A field of this type. `default` is only told: who builds the part fills it in. */
export const of = <T>(
  type: FieldType<T>,
  help: string,
  more: Pick<FieldSpec, "required" | "default"> = {},
): FieldSpec<T> => ({ ...type, help, ...more });

const told = <T>(error: FieldError, errors: FieldError[]): T | undefined => {
  errors.push(error);
  return undefined;
};

export const text: FieldType<string> = {
  type: "text",
  schema: { type: "string", minLength: 1 },
  read: (value, at, errors) =>
    typeof value === "string" && value !== ""
      ? value
      : told(invalid(at, value, "must be a text that is not empty"), errors),
};

/** Numbers and booleans too, which YAML makes of what was meant as text. */
export const scalar: FieldType<string> = {
  type: "text or number",
  schema: { type: ["string", "number", "boolean"] },
  read: (value, at, errors) =>
    ["string", "number", "boolean"].includes(typeof value)
      ? String(value as string)
      : told(invalid(at, value, "must be a text or a number"), errors),
};

export const flag: FieldType<boolean> = {
  type: "true or false",
  schema: { type: "boolean" },
  read: (value, at, errors) =>
    typeof value === "boolean" ? value : told(invalid(at, value, "must be true or false"), errors),
};

export const number = (min: number, max: number, whole = false): FieldType<number> => ({
  type: whole ? "whole number" : "number",
  schema: {
    type: whole ? "integer" : "number",
    minimum: min,
    ...(max < Number.MAX_SAFE_INTEGER ? { maximum: max } : {}),
  },
  read(value, at, errors) {
    const fits = typeof value === "number" && value >= min && value <= max;
    if (fits && (!whole || Number.isInteger(value))) return value;
    const upTo = max < Number.MAX_SAFE_INTEGER ? `between ${min} and ${max}` : `of at least ${min}`;
    return told(invalid(at, value, `must be a ${whole ? "whole " : ""}number ${upTo}`), errors);
  },
});

const DURATION_PATTERN = "(\\d+(\\.\\d+)?(ms|s|m|h))+";

export const duration: FieldType<number> = {
  type: "duration",
  schema: { anyOf: [{ type: "string", pattern: `^${DURATION_PATTERN}$` }, { const: 0 }] },
  read: (value, at, errors) =>
    parseDurationMs(value) ?? told(invalid(at, value, "must be a duration such as 500ms, 2s or 1m"), errors),
};

/** `2s`, or `1s-3s` of which one is drawn. */
export const durationRange: FieldType<Range> = {
  type: "duration or range",
  schema: {
    anyOf: [{ type: "string", pattern: `^${DURATION_PATTERN}(-${DURATION_PATTERN})?$` }, { const: 0 }],
  },
  read(value, at, errors) {
    const [low, high = low] = String(value as string).split("-");
    const [min, max] = [parseDurationMs(low), parseDurationMs(high)];
    return min !== undefined && max !== undefined && min <= max
      ? { min, max }
      : told(invalid(at, value, "must be a duration such as 2s, or a range such as 1s-3s"), errors);
  },
};

export const percent: FieldType<number> = {
  type: "percentage",
  schema: {
    anyOf: [
      { type: "string", pattern: "^\\d+(\\.\\d+)?%?$" },
      { type: "number", minimum: 0, maximum: 100 },
    ],
  },
  read: (value, at, errors) =>
    parsePercent(value) ?? told(invalid(at, value, "must be a percentage such as 50%"), errors),
};

export const choice = <T extends string>(...choices: readonly T[]): FieldType<T> => ({
  type: choices.join(" | "),
  schema: { enum: choices },
  read: (value, at, errors) =>
    choices.includes(value as T) ? (value as T) : told(unsupported(at, value, choices), errors),
});

export function unsupported(at: FieldPath, value: unknown, choices: readonly string[]): FieldError {
  const suggestion = hint(value, choices);
  if (choices.length <= MOST_CHOICES_LISTED) return withAdvice(notSupported(at, value, choices), suggestion);
  return withAdvice(
    notSupported(at, value, []),
    suggestion || "; `kubesim chaos explain` lists what there is",
  );
}

/** More of them would bury the suggestion. */
const MOST_CHOICES_LISTED = 15;
const withAdvice = (error: FieldError, advice: string): FieldError => ({
  ...error,
  body: `${error.body}${advice}`,
});

export const list = <T>(item: FieldType<T>): FieldType<T[]> => ({
  type: `list of ${item.type}`,
  schema: { type: "array", items: item.schema },
  ...(item.fields ? { fields: item.fields } : {}),
  read(value, at, errors) {
    if (!Array.isArray(value)) return told(invalid(at, value, "must be a list"), errors);
    return value
      .map((entry, i) => item.read(entry, at.index(i), errors))
      .filter((entry) => entry !== undefined);
  },
});

/** One, or a list of them. */
export const oneOrMore = <T>(item: FieldType<T>): FieldType<T[]> => ({
  type: `${item.type}, or a list`,
  schema: { anyOf: [item.schema, { type: "array", items: item.schema }] },
  read: (value, at, errors) =>
    Array.isArray(value)
      ? list(item).read(value, at, errors)
      : ((one) => (one === undefined ? undefined : [one]))(item.read(value, at, errors)),
});

export const isRecord = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Texts by name. */
export const map: FieldType<Record<string, string>> = {
  type: "texts by name",
  schema: { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } },
  read(value, at, errors) {
    if (!isRecord(value)) return told(invalid(at, value, "must be texts by name"), errors);
    const entries = Object.entries(value).map(([name, one]) => [
      name,
      scalar.read(one, at.key(name), errors) ?? "",
    ]);
    return Object.fromEntries(entries) as Record<string, string>;
  },
};

export const json: FieldType = { type: "anything", schema: {}, read: (value) => value };

export const record: FieldType<Raw> = {
  type: "object",
  schema: { type: "object" },
  read: (value, at, errors) =>
    isRecord(value) ? value : told(invalid(at, value, "must be an object"), errors),
};

/** An object with these fields; `build` makes of them what the program works with, and may tell more errors. */
export const object = <F extends Fields, T>(
  fields: F,
  build: (values: Values<F>, at: FieldPath, errors: FieldError[]) => T | undefined,
): FieldType<T> => ({
  type: "object",
  schema: objectSchema(fields),
  fields,
  read(value, at, errors) {
    if (!isRecord(value)) return told(invalid(at, value, "must be an object"), errors);
    return build(readFields(value, fields, at, errors), at, errors);
  },
});

/** Reads every field that is there, and tells those that are missing, unknown or wrong. */
export function readFields<F extends Fields>(
  raw: Raw,
  fields: F,
  at: FieldPath,
  errors: FieldError[],
): Values<F> {
  const names = Object.keys(fields);
  for (const name of Object.keys(raw)) {
    if (!Object.hasOwn(fields, name))
      errors.push(forbidden(at.child(name), `unknown field${hint(name, names)}`));
  }
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(fields)) {
    const value = raw[name];
    if (value === undefined || value === null) {
      if (spec.required) errors.push(requiredError(at.child(name)));
      continue;
    }
    const read = spec.read(value, at.child(name), errors);
    if (read !== undefined) values[name] = read;
  }
  return values as Values<F>;
}

export function objectSchema(fields: Fields): JsonSchema {
  const needed = Object.entries(fields)
    .filter(([, spec]) => spec.required)
    .map(([name]) => name);
  return {
    type: "object",
    additionalProperties: false,
    ...(needed.length > 0 ? { required: needed } : {}),
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, spec]) => [name, { ...spec.schema, description: described(spec) }]),
    ),
  };
}

const described = ({ help, default: initial }: FieldSpec): string =>
  initial === undefined ? help : `${help} (default ${initial})`;

/** A short form beside the long one; which it is decides the type of the value. */
export const either = <T>(short: FieldType<T>, long: FieldType<T>): FieldType<T> => ({
  type: `${short.type}, or ${long.type}`,
  schema: { anyOf: [short.schema, long.schema] },
  ...(long.fields ? { fields: long.fields } : {}),
  read: (value, at, errors) => (isRecord(value) ? long : short).read(value, at, errors),
});

/** Without the names whose value is undefined, for exact optional properties. */
export function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
