import { matchesLabels, NOTHING, type Selector, toSelector } from "../machinery/api/labels.js";
import type { DeepReadonly, LabelSelector } from "../machinery/api/meta-v1.js";

/** Parsed once per cached object: the same selector is asked about every pod of a namespace. */
const parsed = new WeakMap<object, Selector>();

export function selectorOf(selector: DeepReadonly<LabelSelector> | undefined): Selector {
  if (!selector) return NOTHING;
  let known = parsed.get(selector);
  if (!known) {
    known = parse(selector as LabelSelector);
    parsed.set(selector, known);
  }
  return known;
}

export const selects = (
  selector: DeepReadonly<LabelSelector> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean => matchesLabels(selectorOf(selector), labels);

/** A Service's selector: every pair must be there. An empty one selects nothing. */
export function selectsLabels(
  wanted: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const pairs = Object.entries(wanted ?? {});
  return pairs.length > 0 && pairs.every(([key, value]) => labels?.[key] === value);
}

function parse(selector: LabelSelector): Selector {
  try {
    return toSelector(selector);
  } catch {
    // The server refuses such selectors; one that got in all the same must not select everything.
    return NOTHING;
  }
}
