import type { ResourceRequirements } from "../../../machinery/api/core-v1.js";
import { type FieldError, type FieldPath, invalid, required } from "../../../machinery/api/field-error.js";
import type { Quantity } from "../../../machinery/api/meta-v1.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import {
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  QUANTITY_MESSAGE,
} from "../../../machinery/api/quantity.js";
import { NEGATIVE_MESSAGE } from "./fields.js";

const STANDARD = ["cpu", "memory", "ephemeral-storage"];
const NOT_OVERCOMMITTED_MESSAGE = "Limit must be set for non overcommitable resources";

/** Upstream: ValidateContainerResourceRequirements. */
export function validateResources(resources: ResourceRequirements | undefined, at: FieldPath): FieldError[] {
  const errors = [
    ...validateList(resources?.limits, at.child("limits")),
    ...validateList(resources?.requests, at.child("requests")),
  ];
  for (const [name, request] of Object.entries(resources?.requests ?? {}))
    errors.push(...validateRequest(name, request, resources?.limits?.[name], at));
  return errors;
}

function validateList(list: Record<string, Quantity> | undefined, at: FieldPath): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, quantity]) => [
    ...validateResourceName(name, at.key(name)),
    ...validateQuantity(quantity, at.key(name)),
  ]);
}

function validateResourceName(name: string, at: FieldPath): FieldError[] {
  const errors = isQualifiedName(name).map((message) => invalid(at, name, message));
  if (errors.length > 0 || name.includes("/") || STANDARD.includes(name) || name.startsWith("hugepages-"))
    return errors;
  return [
    invalid(at, name, "must be a standard resource type or fully qualified"),
    invalid(at, name, "must be a standard resource for containers"),
  ];
}

/** Upstream: ValidateNonnegativeQuantity. */
export function validateQuantity(text: Quantity, at: FieldPath): FieldError[] {
  const quantity = parseQuantity(text);
  if (!quantity) return [invalid(at, text, QUANTITY_MESSAGE)];
  return quantity.nanos < 0n ? [invalid(at, canonicalQuantity(text), NEGATIVE_MESSAGE)] : [];
}

function validateRequest(
  name: string,
  request: Quantity,
  limit: Quantity | undefined,
  at: FieldPath,
): FieldError[] {
  const extended = name.includes("/") && !name.startsWith("kubernetes.io/");
  if (limit === undefined)
    return extended || name.startsWith("hugepages-")
      ? [required(at.child("limits"), NOT_OVERCOMMITTED_MESSAGE)]
      : [];
  const [wanted, most] = [parseQuantity(request), parseQuantity(limit)];
  if (!wanted || !most || compareQuantities(wanted, most) <= 0) return [];
  return [
    invalid(
      at.child("requests"),
      canonicalQuantity(request),
      `must be less than or equal to ${name} limit of ${canonicalQuantity(limit)}`,
    ),
  ];
}
