import {
  type FieldError,
  type FieldPath,
  invalid,
  notFound,
  required,
} from "../../machinery/api/field-error.js";
import type { ParameterSpec } from "../fault.js";
import { withDefaults } from "../parameters.js";
import {
  choice,
  duration,
  type Fields,
  type FieldSpec,
  type FieldType,
  flag,
  isRecord,
  json,
  list,
  map,
  number,
  of,
  percent,
  type Raw,
  readFields,
  scalar,
  text,
} from "./fields.js";
import type { Vocabulary } from "./vocabulary.js";

type ReadObjects = Vocabulary["readObjects"];

/** A fault's or an invariant's parameters as fields of a file. */
export function parameterFields(
  specs: Readonly<Record<string, ParameterSpec>>,
  readObjects?: ReadObjects,
): Fields {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, fieldOf(spec, readObjects)]));
}

function fieldOf(spec: ParameterSpec, readObjects: ReadObjects): FieldSpec {
  const needed = spec.default === undefined && !spec.optional;
  return of(typeOf(spec, readObjects), spec.help, {
    ...(needed ? { required: true } : {}),
    ...(spec.default === undefined ? {} : { default: shown(spec.default) }),
  });
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function typeOf(spec: ParameterSpec, readObjects: ReadObjects): FieldType {
  switch (spec.type) {
    case "duration":
      return duration;
    case "number":
      return number(spec.min ?? 0, spec.max ?? Number.MAX_SAFE_INTEGER);
    case "percent":
      return percent;
    case "text":
      return scalar;
    case "texts":
      return list(text);
    case "flag":
      return flag;
    case "choice":
      return choice(...(spec.choices ?? []));
    case "map":
      return map;
    case "objects":
      return objects(readObjects);
    case "json":
      return json;
  }
}

/** Kubernetes objects, in place or in a file; one, or a list of them. */
const objects = (readObjects: ReadObjects): FieldType<Raw[]> => ({
  type: "objects, or files of them",
  schema: {
    anyOf: [{ type: ["object", "string"] }, { type: "array", items: { type: ["object", "string"] } }],
  },
  read(value, at, errors) {
    const sources = Array.isArray(value) ? value : [value];
    return sources.flatMap((source, i) => readSource(source, at.index(i), errors, readObjects));
  },
});

function readSource(source: unknown, at: FieldPath, errors: FieldError[], readObjects: ReadObjects): Raw[] {
  if (isRecord(source)) {
    if (isObject(source)) return [source];
    errors.push(required(at, "a Kubernetes object has apiVersion, kind and metadata.name"));
    return [];
  }
  if (typeof source !== "string" || !readObjects) {
    errors.push(invalid(at, source, "must be a Kubernetes object"));
    return [];
  }
  try {
    return [...readObjects(source)];
  } catch (err) {
    const error = notFound(at, source);
    errors.push({ ...error, body: `${error.body}: ${err instanceof Error ? err.message : String(err)}` });
    return [];
  }
}

const isObject = ({ apiVersion, kind, metadata }: Raw): boolean =>
  typeof apiVersion === "string" &&
  typeof kind === "string" &&
  isRecord(metadata) &&
  metadata.name !== undefined;

/** What was given, checked, and the defaults of the rest. */
export function readParameters(
  specs: Readonly<Record<string, ParameterSpec>>,
  raw: Raw,
  at: FieldPath,
  errors: FieldError[],
  readObjects?: ReadObjects,
): Record<string, unknown> {
  return withDefaults(specs, readFields(raw, parameterFields(specs, readObjects), at, errors));
}
