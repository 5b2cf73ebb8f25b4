import { type ScalarType, type Schema, type Struct, goTypeOf } from "./schema.js";
import { readBase64, readMicroTime, readQuantity, readTime, ScalarError } from "./scalars.js";
import type { ExactJson } from "./json-exact.js";

/** A value that does not have the declared form, in the words of Go's decoder. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}

export interface Walked {
  value: unknown;
  /** `unknown field "spec.foo"`, `duplicate field "metadata.name"`, in order. */
  strictErrors: readonly string[];
}

/** Go's strict decoder stops collecting here. */
const MAX_STRICT_ERRORS = 100;
/** JSON.stringify recurses; deeper values could be taken in but never answered. */
const MAX_KEPT_DEPTH = 1000;

/**
 * Copies `value` into the form of `schema`: unknown fields are left out and reported, nulls dropped, scalars checked
 * and brought into canonical form. Nothing is shared with `value` but free-form parts. Throws DecodeError at the first
 * value that does not fit. Names are matched by case. Keys never reach a prototype.
 */
export function walk(schema: Schema, value: unknown, exact?: ExactJson): Walked {
  const state = new WalkState(exact);
  return { value: readerOf(schema)(value, state), strictErrors: state.strictErrors };
}

type Reader = (value: unknown, state: WalkState) => unknown;

class WalkState {
  readonly strictErrors: string[] = [];
  /** Where the reader is: field names, map keys, list indexes. */
  readonly path: (string | number)[] = [];
  /** Field names alone, as messages about types list them. */
  readonly fields: string[] = [];
  readonly exact: ExactJson | undefined;
  struct: Struct | undefined;

  constructor(exact: ExactJson | undefined) {
    this.exact = exact;
  }

  strict(problem: "unknown" | "duplicate", name: string): void {
    if (this.strictErrors.length >= MAX_STRICT_ERRORS) return;
    let path = "";
    for (const step of [...this.path, name])
      path += typeof step === "number" ? `[${step}]` : path === "" ? step : `.${step}`;
    const message = `${problem} field ${JSON.stringify(path)}`;
    if (!this.strictErrors.includes(message)) this.strictErrors.push(message);
  }

  wrongType(value: unknown, goType: string, shown = goKind(value)): DecodeError {
    const where = this.struct ? `Go struct field ${this.struct.goName}.${this.fields.join(".")}` : "Go value";
    return new DecodeError(`json: cannot unmarshal ${shown} into ${where} of type ${goType}`);
  }

  enter(step: string | number): void {
    if (this.path.push(step) > MAX_KEPT_DEPTH) throw new DecodeError("exceeded max depth");
  }

  /** How the number at the current place was written. */
  literal(container: object, key: string | number, value: number): string {
    return this.exact?.literals.get(container)?.get(key) ?? String(value);
  }
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readers = new WeakMap<Schema, Reader>();
const structReaders = new WeakMap<Struct, Reader>();

function readerOf(schema: Schema): Reader {
  const known = readers.get(schema);
  if (known) return known;
  const reader = compile(schema);
  readers.set(schema, reader);
  return reader;
}

function compile(schema: Schema): Reader {
  switch (schema.type) {
    case "struct":
      return schema.struct ? structReader(schema.struct, goTypeOf(schema)) : readAny;
    case "list":
      return listReader(schema);
    case "map":
      return mapReader(schema);
    case "any":
      return readAny;
    default:
      return scalarReaders(schema)[schema.type];
  }
}

function structReader(struct: Struct, goType: string): Reader {
  const known = structReaders.get(struct);
  if (known) return known;
  // Readers of fields are found on first use: definitions refer to themselves (JSONSchemaProps).
  const fields = new Map<string, FieldReader>();
  for (const [name, schema] of struct.fields)
    fields.set(name, new FieldReader(schema, struct.required.includes(name)));
  const reader: Reader = (value, state) => {
    if (!isRecord(value)) throw state.wrongType(value, goType);
    const outer = state.struct;
    const out: Record<string, unknown> = {};
    const repeated = state.exact?.repeated.get(value);
    for (const name of repeated ? new Set(repeated) : Object.keys(value)) {
      const field = fields.get(name);
      if (!field) {
        unknownField(struct, name, value, out, state);
        continue;
      }
      if (repeated && repeated.indexOf(name) !== repeated.lastIndexOf(name)) state.strict("duplicate", name);
      const member = value[name];
      if (member === null && !field.nullable) continue;
      if (field.plain !== undefined && typeof member === field.plain) {
        out[name] = member;
        continue;
      }
      state.struct = struct;
      state.enter(name);
      state.fields.push(name);
      const read = readMember(field, value, name, state);
      if (!field.omitsEmpty || !isEmpty(read)) out[name] = read;
      state.fields.pop();
      state.path.pop();
    }
    state.struct = outer;
    return out;
  };
  structReaders.set(struct, reader);
  return reader;
}

class FieldReader {
  readonly schema: Schema;
  readonly nullable: boolean;
  /** Set when a value of this JavaScript type needs no further look. */
  readonly plain: "string" | "boolean" | undefined;
  /** Go's omitempty: an optional list or map that is empty is an absent one. */
  readonly omitsEmpty: boolean;
  #read: Reader | undefined;

  constructor(schema: Schema, required: boolean) {
    this.schema = schema;
    this.omitsEmpty = !required && !schema.nullable && (schema.type === "list" || schema.type === "map");
    this.nullable = schema.nullable === true;
    this.plain = schema.type === "string" || schema.type === "boolean" ? schema.type : undefined;
  }

  get read(): Reader {
    this.#read ??= readerOf(this.schema);
    return this.#read;
  }
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

function readMember(field: FieldReader, value: object, name: string, state: WalkState): unknown {
  const member = (value as Record<string, unknown>)[name];
  if (member === null) return null;
  checkLiteral(field.schema, value, name, member, state);
  return field.read(member, state);
}

function unknownField(
  struct: Struct,
  name: string,
  value: Record<string, unknown>,
  out: Record<string, unknown>,
  state: WalkState,
): void {
  if (struct.preserveUnknownFields) {
    Object.defineProperty(out, name, {
      value: value[name],
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else state.strict("unknown", name);
}

const INTEGERS = new Set<string>(["int32", "int64", "intOrString"]);

/** 80.0 and 1e2 are whole numbers in JavaScript but not for Go; 2^63 needs its digits. */
function checkLiteral(
  schema: Schema,
  container: object,
  key: string | number,
  value: unknown,
  state: WalkState,
) {
  if (!state.exact || typeof value !== "number" || !INTEGERS.has(schema.type)) return;
  const literal = state.literal(container, key, value);
  if (/[.eE]/.test(literal) || !fitsInt64(literal))
    throw state.wrongType(value, integerType(schema), `number ${literal}`);
}

const fitsInt64 = (literal: string): boolean => BigInt.asIntN(64, BigInt(literal)) === BigInt(literal);
const integerType = (schema: Schema): string => (schema.type === "int64" ? "int64" : "int32");

function listReader(schema: Schema): Reader {
  const items: Schema = schema.items ?? { type: "any" };
  const goType = goTypeOf(schema);
  let read: Reader | undefined;
  return (value, state) => {
    if (!Array.isArray(value)) throw state.wrongType(value, goType);
    read ??= readerOf(items);
    const out: unknown[] = [];
    for (const [index, item] of value.entries()) {
      state.enter(index);
      checkLiteral(items, value, index, item, state);
      out.push(item === null ? zeroOf(items) : read(item, state));
      state.path.pop();
    }
    return out;
  };
}

function mapReader(schema: Schema): Reader {
  const items: Schema = schema.items ?? { type: "any" };
  const goType = goTypeOf(schema);
  let read: Reader | undefined;
  return (value, state) => {
    if (!isRecord(value)) throw state.wrongType(value, goType);
    read ??= readerOf(items);
    // Keys are the user's: without a prototype, `__proto__` is a key like any other.
    const out = Object.create(null) as Record<string, unknown>;
    const repeated = state.exact?.repeated.get(value);
    for (const key of repeated ? new Set(repeated) : Object.keys(value)) {
      if (repeated && repeated.indexOf(key) !== repeated.lastIndexOf(key)) state.strict("duplicate", key);
      const member = value[key];
      state.enter(key);
      checkLiteral(items, value, key, member, state);
      out[key] = member === null ? zeroOf(items) : read(member, state);
      state.path.pop();
    }
    return out;
  };
}

/** What Go leaves in a list or map for null. */
function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case "struct":
      return {};
    case "boolean":
      return false;
    case "int32":
    case "int64":
    case "float64":
    case "intOrString":
      return 0;
    case "quantity":
      return "0";
    case "string":
    case "bytes":
      return "";
    case "list":
    case "map":
    case "any":
    case "time":
    case "microTime":
      return null;
    default: {
      const never: never = schema.type;
      return never;
    }
  }
}

const readAny: Reader = (value, state) => {
  if (depthOf(value, MAX_KEPT_DEPTH - state.path.length) < 0) throw new DecodeError("exceeded max depth");
  return value;
};

/** Room that is left below `value`, negative when there is none. Breadth first, without recursion. */
function depthOf(value: unknown, room: number): number {
  let level: unknown[] = [value];
  let left = room;
  while (left >= 0) {
    const next: unknown[] = [];
    for (const item of level)
      if (typeof item === "object" && item !== null) next.push(...Object.values(item as object));
    if (next.length === 0) return left;
    level = next;
    left--;
  }
  return left;
}

const INT32_MAX = 2_147_483_647;

function scalarReaders(schema: Schema): Record<ScalarType, Reader> {
  const goType = goTypeOf(schema);
  return {
    string: (value, state) => {
      if (typeof value !== "string") throw state.wrongType(value, goType);
      return value;
    },
    boolean: (value, state) => {
      if (typeof value !== "boolean") throw state.wrongType(value, goType);
      return value;
    },
    int32: (value, state) => readInteger(value, goType, state, INT32_MAX),
    int64: (value, state) => readInteger(value, goType, state, Number.POSITIVE_INFINITY),
    float64: (value, state) => {
      if (typeof value !== "number") throw state.wrongType(value, goType);
      return value;
    },
    intOrString: (value, state) =>
      typeof value === "string" ? value : readInteger(value, "int32", state, INT32_MAX),
    bytes: (value, state) => readText(value, goType, state, readBase64),
    time: (value, state) => readText(value, "string", state, readTime),
    microTime: (value, state) => readText(value, "string", state, readMicroTime),
    quantity: (value, state) =>
      readText(typeof value === "string" ? value : JSON.stringify(value), goType, state, readQuantity),
  };
}

function readInteger(value: unknown, goType: string, state: WalkState, max: number): number {
  if (typeof value !== "number") throw state.wrongType(value, goType);
  if (Number.isInteger(value) && value <= max && value >= -max - 1) return value;
  throw state.wrongType(value, goType, `number ${value}`);
}

function readText(value: unknown, goType: string, state: WalkState, read: (text: string) => string): string {
  if (typeof value !== "string") throw state.wrongType(value, goType);
  try {
    return read(value);
  } catch (err) {
    throw err instanceof ScalarError ? new DecodeError(err.message) : err;
  }
}
