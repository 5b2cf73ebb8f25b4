import type { IntOrString } from "./meta-v1.js";

export const isPercent = (value: IntOrString): value is string =>
  typeof value === "string" && /^[0-9]+%$/.test(value);

/** The number before `%`; undefined when the value is not a percentage. */
export const percentOf = (value: IntOrString): number | undefined =>
  isPercent(value) ? Number(value.slice(0, -1)) : undefined;

/**
 * A count, or a percentage of `total` rounded as asked (apimachinery intstr GetScaledValueFromIntOrPercent). Undefined
 * for a string that is no percentage.
 */
export function scaledValue(value: IntOrString, total: number, round: "up" | "down"): number | undefined {
  if (typeof value === "number") return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  const exact = (percent * total) / 100;
  return round === "up" ? Math.ceil(exact) : Math.floor(exact);
}
