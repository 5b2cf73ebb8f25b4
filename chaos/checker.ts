import type { ParameterSpec } from "./fault.js";
import type { History } from "./history.js";
import type { Budgets, Scenario } from "./scenario/types.js";
import type { Witness } from "./witness.js";

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
  /** What the scenario may set, such as a deadline. */
  parameters?: Readonly<Record<string, ParameterSpec>>;
  /** The budgets that make it judged without being listed. */
  budgets?: readonly (keyof Budgets)[];
  /** Who gathers what the history would not have otherwise. */
  witnesses?: readonly Witness[];
  /** `parameters` are the scenario's, checked, with defaults filled in. */
  check(history: History, scenario: Scenario, parameters: Readonly<Record<string, unknown>>): Verdict;
}

const MOST_SHOWN = 10;

/** Seconds since the traffic began, as people say them. */
export const secondsIn = ({ startedAtMs }: Pick<History, "startedAtMs">, atMs: number): string =>
  `${((atMs - startedAtMs) / 1000).toFixed(3)}s`;

/** A verdict from the list of what went wrong. */
export const verdictOf = (violations: readonly string[], held: string, violated: string): Verdict => ({
  held: violations.length === 0,
  summary: violations.length === 0 ? held : violated,
  violations: violations.slice(0, MOST_SHOWN),
});
