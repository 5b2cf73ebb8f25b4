import type { GroupVersionKind } from "./resource.js";
import { StatusError } from "./status.js";

/**
 * A path into an object as messages spell it: `spec.ports[0].port`, `metadata.labels[app]`. Validation makes one for every
 * field it looks at and prints next to none, so a path is a link to its parent until somebody reads it.
 */
export class FieldPath {
  readonly #parent: FieldPath | undefined;
  readonly #step: string;
  constructor(step: string, parent?: FieldPath) {
    this.#step = step;
    this.#parent = parent;
  }
  child(...names: string[]): FieldPath {
    const [first = ""] = names;
    return new FieldPath(names.length === 1 ? `.${first}` : `.${names.join(".")}`, this);
  }
  index(i: number): FieldPath {
    return new FieldPath(`[${i}]`, this);
  }
  key(key: string): FieldPath {
    return new FieldPath(`[${key}]`, this);
  }
  toString(): string {
    const before = this.#parent?.toString() ?? "";
    return before === "" && this.#step.startsWith(".") ? this.#step.slice(1) : before + this.#step;
  }
}
export const field = (...names: string[]): FieldPath => new FieldPath(names.join("."));

/** Error types of apimachinery pkg/util/validation/field/errors.go. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "InternalError"
  | "FieldValueTypeInvalid";

export interface FieldError {
  type: FieldErrorType;
  field: string;
  /** The whole text after the path: `Invalid value: 0: must be between 1 and 65535, inclusive`. */
  body: string;
}

/** Go's %#v for the values that validation shows: strings quoted, numbers plain, objects as JSON. */
function show(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return JSON.stringify(value);
}
const withDetail = (text: string, detail: string): string => (detail ? `${text}: ${detail}` : text);
const at = (path: FieldPath): string => path.toString();

export const required = (path: FieldPath, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  field: at(path),
  body: withDetail("Required value", detail),
});
export const invalid = (path: FieldPath, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field: at(path),
  body: withDetail(`Invalid value: ${show(value)}`, detail),
});
export const duplicate = (path: FieldPath, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  field: at(path),
  body: `Duplicate value: ${show(value)}`,
});
export const notSupported = (path: FieldPath, value: unknown, valid: readonly string[]): FieldError => ({
  type: "FieldValueNotSupported",
  field: at(path),
  body: `Unsupported value: ${show(value)}${valid.length ? `: supported values: ${valid.map((v) => JSON.stringify(v)).join(", ")}` : ""}`,
});
export const forbidden = (path: FieldPath, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field: at(path),
  body: withDetail("Forbidden", detail),
});
export const notFound = (path: FieldPath, value: unknown): FieldError => ({
  type: "FieldValueNotFound",
  field: at(path),
  body: `Not found: ${show(value)}`,
});
export const tooLong = (path: FieldPath, maxBytes: number): FieldError => ({
  type: "FieldValueTooLong",
  field: at(path),
  body: `Too long: may not be more than ${maxBytes} bytes`,
});
export const tooMany = (path: FieldPath, actual: number, max: number): FieldError => ({
  type: "FieldValueTooMany",
  field: at(path),
  body: `Too many: ${actual}: must have at most ${max} items`,
});
export const internalFieldError = (path: FieldPath, detail: string): FieldError => ({
  type: "InternalError",
  field: at(path),
  body: `Internal error: ${detail}`,
});

export const toMessage = (error: FieldError): string => `${error.field}: ${error.body}`;

/** 422 with one cause per field error; several are bracketed (api/errors NewInvalid and utilerrors.Aggregate). */
export function newInvalid(
  { group, kind }: Pick<GroupVersionKind, "group" | "kind">,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const messages = [...new Set(errors.map(toMessage))];
  const list = messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`;
  return new StatusError({
    code: 422,
    reason: "Invalid",
    message: `${group ? `${kind}.${group}` : kind} "${name}" is invalid: ${list}`,
    details: {
      ...(name ? { name } : {}),
      ...(group ? { group } : {}),
      kind,
      causes: errors.map((error) => ({ reason: error.type, message: error.body, field: error.field })),
    },
  });
}
