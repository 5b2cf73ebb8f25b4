import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  required,
} from "../../../machinery/api/field-error.js";
import type { LabelSelector, LabelSelectorRequirement } from "../../../machinery/api/meta-v1.js";
import {
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from "../../../machinery/api/names.js";
import { validateLabels } from "../object-meta.js";

/** One Invalid error per message of a rule from names.ts. */
export const check = (rule: (value: string) => string[], value: string, at: FieldPath): FieldError[] =>
  rule(value).map((message) => invalid(at, value, message));

export const checkLabel = (value: string, at: FieldPath): FieldError[] => check(isDns1123Label, value, at);
export const checkSubdomain = (value: string, at: FieldPath): FieldError[] =>
  check(isDns1123Subdomain, value, at);

export function validateLabelSelector(selector: LabelSelector | undefined, at: FieldPath): FieldError[] {
  if (!selector) return [];
  return [
    ...validateLabels(selector.matchLabels, at.child("matchLabels")),
    ...(selector.matchExpressions ?? []).flatMap((requirement, i) =>
      validateRequirement(requirement, at.child("matchExpressions").index(i)),
    ),
  ];
}

function validateRequirement(
  { key, operator, values }: LabelSelectorRequirement,
  at: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (!values?.length)
        errors.push(required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values?.length)
        errors.push(
          forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      break;
    default:
      errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
  }
  errors.push(...check(isQualifiedName, key ?? "", at.child("key")));
  values?.forEach((value, i) => errors.push(...check(isLabelValue, value, at.child("values").index(i))));
  return errors;
}

export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0) === 0;
