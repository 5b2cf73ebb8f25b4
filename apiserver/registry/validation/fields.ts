import { type FieldError, type FieldPath, invalid } from "../../../machinery/api/field-error.js";
import type { IntOrString } from "../../../machinery/api/meta-v1.js";
import { isPortName, isPortNumber } from "../../../machinery/api/names.js";
import { semanticEqual } from "../semantic-equal.js";

export const NEGATIVE_MESSAGE = "must be greater than or equal to 0";

/** Upstream: ValidateNonnegativeField. */
export const nonnegative = (value: number | undefined, at: FieldPath): FieldError[] =>
  value !== undefined && value < 0 ? [invalid(at, value, NEGATIVE_MESSAGE)] : [];

/** Upstream: ValidateImmutableField. */
export const immutable = (value: unknown, old: unknown, at: FieldPath): FieldError[] =>
  semanticEqual(value, old) ? [] : [invalid(at, value, "field is immutable")];

export const portNumber = (port: number, at: FieldPath): FieldError[] =>
  isPortNumber(port).map((message) => invalid(at, port, message));

/** Upstream: ValidatePortNumOrName. */
export const portNumberOrName = (port: IntOrString | undefined, at: FieldPath): FieldError[] =>
  typeof port === "string"
    ? isPortName(port).map((message) => invalid(at, port, message))
    : portNumber(port ?? 0, at);

/** Lists sorted as a message shows a Go set. */
export const PROTOCOLS: readonly string[] = ["SCTP", "TCP", "UDP"];
