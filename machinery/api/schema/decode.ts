import { type GroupVersionKind, toApiVersion } from "../resource.js";
import { newBadRequest, StatusError } from "../status.js";
import { type ExactJson, JsonSyntaxError, parseExactly } from "./json-exact.js";
import { scanJson } from "./json-scan.js";
import type { Schema, SchemaSource } from "./schema.js";
import { DecodeError, walk } from "./walk.js";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface DecodeRequest {
  /** The kind that the request's path asks for; apiVersion and kind may be missing in the object. */
  gvk: GroupVersionKind;
  /** JSON text, or a value that is already parsed. */
  input: { bytes: Uint8Array } | { value: unknown };
  fieldValidation: FieldValidation;
  source: SchemaSource;
  /** The error for an object that does not fit its kind. Default: 400 `K in version "v1" cannot be handled as a K: …`. */
  refuse?: (cause: string) => StatusError;
}

export interface Decoded {
  object: Record<string, unknown>;
  /** Texts for Warning headers. */
  warnings: readonly string[];
}

/**
 * A request's object, pruned to its schema. Throws the StatusError (400) of a real server. `object` is free to be
 * changed; free-form parts of a `value` are shared with it.
 */
export function decodeObject(request: DecodeRequest): Decoded {
  const { gvk, input, fieldValidation, source } = request;
  const parsed = "bytes" in input ? parse(input.bytes, gvk.kind) : { value: input.value, exact: undefined };
  const actual = identify(parsed.value, gvk, "bytes" in input ? input.bytes : undefined);
  const refuse = request.refuse ?? cannotBeHandled(actual, gvk);
  const schema = schemaFor(actual, gvk, source, refuse);
  const { object, strictErrors } = read(schema, parsed, fieldValidation, refuse);
  if (strictErrors.length > 0 && fieldValidation === "Strict")
    throw refuse(`strict decoding error: ${strictErrors.join(", ")}`);
  object["apiVersion"] = toApiVersion(gvk);
  object["kind"] = gvk.kind;
  return { object, warnings: fieldValidation === "Warn" ? strictErrors : [] };
}

const cannotBeHandled =
  (actual: GroupVersionKind, expected: GroupVersionKind) =>
  (cause: string): StatusError =>
    newBadRequest(
      `${actual.kind} in version ${JSON.stringify(actual.version)} cannot be handled as a ${expected.kind}: ${cause}`,
    );

interface Parsed {
  value: unknown;
  exact: ExactJson | undefined;
}

function parse(bytes: Uint8Array, kind: string): Parsed {
  const scan = scanJson(bytes);
  try {
    if (scan.tooDeep) throw new JsonSyntaxError("exceeded max depth");
    const value: unknown = quickParse(bytes);
    const exact = value === undefined || scan.unusualNumbers || countMembers(value) !== scan.members;
    if (!exact) return { value, exact: undefined };
    const careful = parseExactly(bytes);
    return { value: careful.value, exact: careful };
  } catch (err) {
    if (!(err instanceof JsonSyntaxError)) throw err;
    throw unrecognized(kind, `couldn't get version/kind; json parse error: ${err.message}`, bytes);
  }
}

/** Undefined when the text is not JSON: the exact parser then finds Go's words for it. */
function quickParse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Members of all objects in `value`, each key once. Without recursion. */
function countMembers(value: unknown): number {
  let members = 0;
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === "object" && item !== null) open.push(item);
      continue;
    }
    for (const item of Object.values(next)) {
      members++;
      if (typeof item === "object" && item !== null) open.push(item);
    }
  }
  return members;
}

/** apiVersion and kind of the object, from the request's kind where missing (serializer/json meta.go Interpret). */
function identify(
  value: unknown,
  expected: GroupVersionKind,
  bytes: Uint8Array | undefined,
): GroupVersionKind {
  const fail = (cause: string): StatusError => unrecognized(expected.kind, cause, bytes);
  if (value === null) return expected;
  if (typeof value !== "object" || Array.isArray(value)) throw fail(notAnObject(value));
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  for (const [name, text] of Object.entries({ apiVersion, kind }))
    if (text !== undefined && text !== null && typeof text !== "string")
      throw fail(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(text)} into Go struct field .${name} of type string`,
      );
  const parts = typeof apiVersion === "string" && apiVersion !== "" ? apiVersion.split("/") : undefined;
  if (parts && parts.length > 2) throw fail(`unexpected GroupVersion string: ${parts.join("/")}`);
  return {
    group: parts ? (parts.length === 2 ? (parts[0] ?? "") : "") : expected.group,
    version: parts?.at(-1) || expected.version,
    kind: typeof kind === "string" && kind !== "" ? kind : expected.kind,
  };
}

const goKind = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

const notAnObject = (value: unknown): string =>
  `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(value)} into Go value of type ` +
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function schemaFor(
  actual: GroupVersionKind,
  expected: GroupVersionKind,
  source: SchemaSource,
  refuse: (cause: string) => StatusError,
): Schema {
  const schema = source.schemaOf(actual);
  const apiVersion = toApiVersion(actual);
  if (!schema)
    throw refuse(
      `no kind ${JSON.stringify(actual.kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  if (actual.kind !== expected.kind)
    throw refuse(
      `converting (${actual.version}.${actual.kind}) to (${internalPackage(expected)}.${expected.kind}): unknown conversion`,
    );
  if (apiVersion !== toApiVersion(expected))
    throw newBadRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${toApiVersion(expected)})`,
    );
  return schema;
}

const internalPackage = ({ group }: GroupVersionKind): string =>
  group === "" ? "core" : (group.split(".")[0] ?? group);

function read(
  schema: Schema,
  parsed: Parsed,
  fieldValidation: FieldValidation,
  refuse: (cause: string) => StatusError,
): { object: Record<string, unknown>; strictErrors: readonly string[] } {
  if (parsed.value === null) return { object: {}, strictErrors: [] };
  try {
    const { value, strictErrors } = walk(schema, parsed.value, parsed.exact);
    return {
      object: value as Record<string, unknown>,
      strictErrors: fieldValidation === "Ignore" ? [] : strictErrors,
    };
  } catch (err) {
    throw err instanceof DecodeError ? refuse(err.message) : err;
  }
}

/** The form of errors from before the kind is known (apiserver handlers/rest.go transformDecodeError). */
const unrecognized = (kind: string, cause: string, bytes: Uint8Array | undefined): StatusError =>
  newBadRequest(
    `the object provided is unrecognized (must be of type ${kind}): ${cause} (${summarize(bytes ?? new Uint8Array())})`,
  );

const SUMMARY_BYTES = 30;
function summarize(bytes: Uint8Array): string {
  if (bytes.length === 0) return "<empty>";
  const head = Buffer.from(bytes.subarray(0, SUMMARY_BYTES));
  const text = bytes[0] === 0x7b ? head.toString("utf8") : head.toString("hex");
  return bytes.length > SUMMARY_BYTES ? `${text} ...` : text;
}
