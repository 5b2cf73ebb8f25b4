import {
  type FieldError,
  field,
  invalid,
  newInvalid,
  notSupported,
} from "../../machinery/api/field-error.js";
import type { FieldValidation } from "../../machinery/api/schema/decode.js";

const FIELD_VALIDATIONS: readonly string[] = ["Ignore", "Strict", "Warn"];
const LONGEST_FIELD_MANAGER = 128;

const refuse = (optionsKind: string, errors: readonly FieldError[]): void => {
  if (errors.length > 0) throw newInvalid({ group: "meta.k8s.io", kind: optionsKind }, "", errors);
};

/** Query parameters of a write, checked as apimachinery's ValidateCreateOptions and its siblings do. */
export function dryRunOf(query: URLSearchParams, optionsKind: string): boolean {
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const manager = query.get("fieldManager") ?? "";
  refuse(optionsKind, [
    ...dryRunErrors(dryRun),
    ...(manager.length > LONGEST_FIELD_MANAGER
      ? [invalid(field("fieldManager"), manager, `may not be more than ${LONGEST_FIELD_MANAGER} bytes`)]
      : []),
  ]);
  return dryRun.length > 0;
}

export const dryRunErrors = (values: readonly string[]): FieldError[] =>
  values.some((value) => value !== "All") ? [notSupported(field("dryRun"), values, ["All"])] : [];

export function fieldValidationOf(query: URLSearchParams, optionsKind: string): FieldValidation {
  const value = query.get("fieldValidation") || "Warn";
  if (value === "Strict" || value === "Ignore" || value === "Warn") return value;
  refuse(optionsKind, [notSupported(field("fieldValidation"), value, FIELD_VALIDATIONS)]);
  return "Warn";
}
