import type { Exploration as ReportedExploration, ExploredSeed } from "../../chaos/reports/exploration.js";
import type { SeedSummary } from "../../simulation/causes.js";
import type { Exploration } from "./explore.js";

const MOST_TEXTS = 5;
/** Beyond, a report lists only what was not held. */
const MOST_SEEDS = 2000;

/** What a report keeps of one seed. */
export const toExploredSeed = ({
  seed,
  outcome,
  simulatedMs,
  violations,
  error,
}: SeedSummary): ExploredSeed => ({
  seed,
  outcome,
  simulatedMs,
  texts: [
    ...violations.map(({ cause, example }) => `${cause.invariant}: ${example}`),
    ...(error === undefined ? [] : [error]),
  ].slice(0, MOST_TEXTS),
});

/** What all seeds came to, for a report. */
export function toReported(found: Exploration, bySeed: readonly ExploredSeed[]): ReportedExploration {
  const { seeds, held, violated, requests, failedRequests, faults, simulatedMs, causes } = found;
  const listed = bySeed.length <= MOST_SEEDS ? bySeed : bySeed.filter(({ outcome }) => outcome !== "held");
  return {
    seeds,
    held,
    violated,
    couldNotRun: seeds - held - violated,
    requests,
    failedRequests,
    faults,
    simulatedMs,
    causes: causes.map(({ cause, seeds: count, firstSeed, example }) => ({
      ...cause,
      seeds: count,
      firstSeed,
      example,
    })),
    bySeed: [...listed].slice(0, MOST_SEEDS),
  };
}
