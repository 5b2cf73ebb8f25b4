import type { History } from "./history.js";
import type { Scenario } from "./scenario.js";

export interface Verdict {
  held: boolean;
  /** One sentence with numbers. */
  summary: string;
  /** The first few violations, each in words. */
  violations: string[];
}

/** An invariant, checked on the whole history after the run. */
export interface Checker {
  name: string;
  summary: string;
  check(history: History, scenario: Scenario): Verdict;
}

const MOST_SHOWN = 10;

/** A verdict from the list of what went wrong. */
export const verdictOf = (violations: readonly string[], held: string, violated: string): Verdict => ({
  held: violations.length === 0,
  summary: violations.length === 0 ? held : violated,
  violations: violations.slice(0, MOST_SHOWN),
});
