import type { Comparator, Comparison } from "./scenario/types.js";

export const COMPARATORS: readonly Comparator[] = [
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "contains",
  "matches",
  "oneOf",
];

/** Numbers are compared as numbers wherever both sides are some; everything else as text. A missing value equals nothing. */
export function holds({ comparator, value }: Comparison, actual: unknown): boolean {
  const text = textOf(actual);
  switch (comparator) {
    case "contains":
      return text.includes(textOf(value));
    case "matches":
      return new RegExp(textOf(value)).test(text);
    case "oneOf":
      return Array.isArray(value) && value.some((one) => isEqual(one, actual));
    case "==":
      return isEqual(value, actual);
    case "!=":
      return !isEqual(value, actual);
    default:
      return ordered(comparator, toNumber(actual), toNumber(value));
  }
}

function ordered(comparator: Comparator, actual: number, value: number): boolean {
  if (comparator === "<") return actual < value;
  if (comparator === "<=") return actual <= value;
  return comparator === ">" ? actual > value : actual >= value;
}

function isEqual(value: unknown, actual: unknown): boolean {
  const [a, b] = [toNumber(value), toNumber(actual)];
  return Number.isNaN(a) || Number.isNaN(b) ? textOf(value) === textOf(actual) : a === b;
}

/** NaN for what is no number: it compares false with everything. */
function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "");

export const describeComparison = ({ comparator, value }: Comparison): string =>
  `${comparator} ${textOf(value)}`;
