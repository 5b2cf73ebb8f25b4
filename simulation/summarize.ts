import { causesOf, type SeedSummary } from "./causes.js";
import type { SeedRun } from "./run-seed.js";

/** What is kept of one seed among thousands. A crash of a process of ours is a violation like any other. */
export function summarize({ seed, report, error, hash, simulatedMs }: SeedRun): SeedSummary {
  const violations = report && !report.held ? causesOf(report) : [];
  const operations = report?.history.operations ?? [];
  return {
    seed,
    outcome: violations.length > 0 ? "violated" : error === undefined ? "held" : "could-not-run",
    violations,
    ...(error === undefined ? {} : { error }),
    hash,
    requests: operations.length,
    failedRequests: operations.filter(({ outcome }) => outcome !== "ok").length,
    faults: report?.history.faults.filter(({ outcome }) => outcome === "injected").length ?? 0,
    simulatedMs,
  };
}
