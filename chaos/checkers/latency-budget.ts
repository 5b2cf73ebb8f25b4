import { type Checker, verdictOf } from "../checker.js";

/** Answered requests are as fast as the budgets say; failed ones count in `request-budget`. */
export const latencyBudget: Checker = {
  name: "latency-budget",
  summary: "requests are answered as fast as the budgets say",
  budgets: ["latencyP50Ms", "latencyP99Ms"],
  check({ operations }, { budgets }) {
    const took = operations
      .filter(({ outcome }) => outcome === "ok")
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b);
    if (took.length === 0) return verdictOf(["no request was answered"], "", "no request was answered");
    const checks = [
      { share: 50, limitMs: budgets.latencyP50Ms },
      { share: 99, limitMs: budgets.latencyP99Ms },
    ].map((check) => ({ ...check, ms: percentile(took, check.share) }));
    const violations = checks
      .filter(({ limitMs, ms }) => limitMs !== undefined && ms > limitMs)
      .map(({ share, limitMs, ms }) => `${share} of 100 requests took up to ${shown(ms)}, not ${limitMs} ms`);
    const summary = checks.map(({ share, ms }) => `p${share} ${shown(ms)}`).join(", ");
    return verdictOf(violations, summary, summary);
  },
};

const shown = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`;

/** The nearest rank of sorted values. */
const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? 0;
