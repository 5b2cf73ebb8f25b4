import { field, invalid, type FieldPath, toMessage } from "./field-error.js";

import type { LabelSelector } from "./meta-v1.js";
import { isLabelValue, isQualifiedName } from "./names.js";

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** Requirements that must all hold. `nothing` matches no object, an empty list every one. */
export interface Selector {
  readonly requirements: readonly LabelRequirement[];
  readonly nothing?: boolean;
}

export const EVERYTHING: Selector = { requirements: [] };
export const NOTHING: Selector = { requirements: [], nothing: true };

export const isEverything = (selector: Selector): boolean =>
  !selector.nothing && selector.requirements.length === 0;

/** The text of a selector that cannot be parsed (apimachinery pkg/labels). */
export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.nothing) return false;
  const present = labels ?? {};
  for (const requirement of selector.requirements) if (!holds(requirement, present)) return false;
  return true;
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt":
      return value !== undefined && compares(value, operator, values[0] ?? "");
  }
}

const INTEGER = /^[+-]?\d+$/;
function compares(value: string, operator: "gt" | "lt", bound: string): boolean {
  if (!INTEGER.test(value) || !INTEGER.test(bound)) return false;
  const left = BigInt(value.replace("+", ""));
  const right = BigInt(bound.replace("+", ""));
  return operator === "gt" ? left > right : left < right;
}

/** The text form that `parseSelector` reads back (labels.Selector.String). */
export const formatSelector = (selector: Selector): string =>
  selector.requirements.map(formatRequirement).join(",");

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    case "gt":
      return `${key}>${values[0] ?? ""}`;
    case "lt":
      return `${key}<${values[0] ?? ""}`;
    default:
      return `${key}${operator}${values[0] ?? ""}`;
  }
}

/** A selector that wants exactly these labels. */
export const selectorOfLabels = (labels: Labels): Selector => ({
  requirements: Object.keys(labels)
    .sort()
    .map((key) => ({ key, operator: "=", values: [labels[key] ?? ""] })),
});

const OPERATORS = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" } as const;

/** metav1.LabelSelectorAsSelector: absent selects nothing, empty selects everything. */
export function toSelector(selector: LabelSelector | undefined): Selector {
  if (!selector) return NOTHING;
  const exact = selectorOfLabels(selector.matchLabels ?? {}).requirements;
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) => {
    const known = OPERATORS[operator];
    if (known === undefined) throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    return newRequirement(key, known, values ?? []);
  });
  return { requirements: [...exact, ...expressions] };
}

/** Checks as labels.NewRequirement does; throws SelectorError. */
export function newRequirement(
  key: string,
  operator: LabelOperator,
  values: readonly string[],
): LabelRequirement {
  const errors = [
    ...isQualifiedName(key).map((text) => invalid(field("key"), key, text)),
    ...valueCountErrors(operator, values),
    ...values.flatMap((value, i) =>
      isLabelValue(value).map((text) => invalid(valuePath(i).key(key), value, text)),
    ),
  ];
  if (errors.length > 0) {
    const messages = errors.map(toMessage);
    throw new SelectorError(messages.length === 1 ? messages[0] : `[${messages.join(", ")}]`);
  }
  return { key, operator, values };
}

const valuePath = (i: number): FieldPath => field("values").index(i);

function valueCountErrors(operator: LabelOperator, values: readonly string[]) {
  const at = field("values");
  const wrong = (text: string) => [invalid(at, values, text)];
  switch (operator) {
    case "in":
    case "notin":
      return values.length === 0 ? wrong("for 'in', 'notin' operators, values set can't be empty") : [];
    case "=":
    case "==":
    case "!=":
      return values.length === 1 ? [] : wrong("exact-match compatibility requires one single value");
    case "exists":
    case "!":
      return values.length === 0 ? [] : wrong("values set must be empty for exists and does not exist");
    case "gt":
    case "lt":
      if (values.length !== 1) return wrong("for 'Gt', 'Lt' operators, exactly one value is required");
      return INTEGER.test(values[0] ?? "")
        ? []
        : [invalid(at.index(0), values[0], "for 'Gt', 'Lt' operators, the value must be an integer")];
  }
}
