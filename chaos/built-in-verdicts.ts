import { type Verdict, verdictOf } from "./checker.js";
import type { History } from "./history.js";
import type { Scenario } from "./scenario/types.js";

export interface NamedVerdict {
  invariant: string;
  verdict: Verdict;
}

/** What is judged in every run: its probes, and that all came back after the last fault. */
export const builtInVerdicts = (scenario: Scenario, history: History): NamedVerdict[] => [
  ...scenario.probes.map(({ name }) => ({ invariant: `probe ${name}`, verdict: judgeProbe(name, history) })),
  ...(history.recovery ? [{ invariant: "recovery", verdict: judgeRecovery(history, history.recovery) }] : []),
];

function judgeProbe(name: string, { probes, startedAtMs }: History): Verdict {
  const records = probes.filter(({ probe }) => probe === name);
  if (records.length === 0) return verdictOf(["it was never looked at"], "", "it was never looked at");
  const failed = records.filter(({ held }) => !held);
  const summary = `held ${records.length - failed.length} of ${records.length} times`;
  return verdictOf(
    failed.map(
      ({ atMs, phase, error }) =>
        `${((atMs - startedAtMs) / 1000).toFixed(2)}s (${phase}): ${error ?? "failed"}`,
    ),
    summary,
    summary,
  );
}

function judgeRecovery({ faults }: History, recovery: NonNullable<History["recovery"]>): Verdict {
  const held = faults.filter(({ outcome, endsAtMs }) => outcome === "injected" && endsAtMs !== undefined);
  const violations = [
    ...held
      .filter(({ healedAtMs, healError }) => healedAtMs === undefined || healError !== undefined)
      .map(
        ({ name, healError }) => `${name} was not healed${healError === undefined ? "" : `: ${healError}`}`,
      ),
    ...recovery.heldFaults.map((lease) => `not proven free of faults: ${lease}`),
    ...(recovery.missing ?? []),
    ...(recovery.tablesAgree ? [] : ["the tables of the nodes still differ"]),
  ];
  const healed =
    held.length === 0 ? "" : `${held.length} held ${held.length === 1 ? "fault" : "faults"} healed, `;
  const seconds = (recovery.tookMs / 1000).toFixed(1);
  return verdictOf(
    violations,
    `${healed}everything back ${seconds} s after the end`,
    `not everything was back ${seconds} s after the end`,
  );
}
