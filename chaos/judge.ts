import { builtInVerdicts, type NamedVerdict } from "./built-in-verdicts.js";
import type { Checker } from "./checker.js";
import { checkers } from "./checkers.js";
import type { History } from "./history.js";
import { withDefaults } from "./parameters.js";
import type { Scenario } from "./scenario/types.js";
import type { Witness } from "./witness.js";

/** Plain JSON: what reports are made of. */
export interface RunReport {
  held: boolean;
  verdicts: NamedVerdict[];
  history: History;
}

/** The verdicts of a scenario's invariants, of its budgets, and of its probes, on a history. */
export function judge(scenario: Scenario, history: History): RunReport {
  const verdicts: NamedVerdict[] = checkers
    .flatMap((checker) => asked(checker, scenario))
    .map(({ checker, parameters }) => ({
      invariant: checker.name,
      verdict: checker.check(history, scenario, parameters),
    }));
  verdicts.push(...builtInVerdicts(scenario, history));
  return { held: verdicts.every(({ verdict }) => verdict.held), verdicts, history };
}

/** Who is to look while the scenario runs. */
export const witnessesFor = (scenario: Scenario): Witness[] =>
  checkers.flatMap((checker) => (asked(checker, scenario).length > 0 ? [...(checker.witnesses ?? [])] : []));

interface Asked {
  checker: Checker;
  parameters: Readonly<Record<string, unknown>>;
}

/** Once for each time that it is listed; once when only a budget asks for it. */
function asked(checker: Checker, { invariants, budgets }: Scenario): Asked[] {
  const defaults = withDefaults(checker.parameters ?? {}, {});
  const listed = invariants.filter(({ name }) => name === checker.name);
  if (listed.length > 0)
    return listed.map(({ parameters }) => ({ checker, parameters: { ...defaults, ...parameters } }));
  const implied = checker.budgets?.some((budget) => budgets[budget] !== undefined) ?? false;
  return implied ? [{ checker, parameters: defaults }] : [];
}
