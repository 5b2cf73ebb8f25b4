import { type Checker, verdictOf } from "../checker.js";

/** No more requests fail than the scenario's budgets allow. */
export const requestBudget: Checker = {
  name: "request-budget",
  summary: "no more requests fail than budgets allow",
  budgets: ["failedRequests", "failedRatio"],
  check({ operations }, { budgets }) {
    const failed = operations.filter((operation) => operation.outcome !== "ok");
    const allowed = Math.max(
      budgets.failedRequests ?? 0,
      Math.floor((budgets.failedRatio ?? 0) * operations.length),
    );
    const counted = `${failed.length} of ${operations.length} requests failed (budget ${allowed})`;
    if (operations.length === 0)
      return verdictOf(["no request was made"], "", "there was no traffic to judge");
    const violations =
      failed.length > allowed
        ? failed.map(
            (f) => `${f.client} at ${new Date(f.atMs).toISOString()}: ${f.error ?? `status ${f.status}`}`,
          )
        : [];
    return verdictOf(violations, counted, counted);
  },
};
