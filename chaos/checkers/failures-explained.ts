import { type Checker, verdictOf } from "../checker.js";
import type { FlowRecord, History, Operation } from "../history.js";

/** Clocks of client and data plane, and the time a request waits before it fails, may differ by this much. */
const WINDOW_MS = 5000;

/** Each failed request has an entry of the flow log that says what became of its connection. */
export const failuresExplained: Checker = {
  name: "failures-explained",
  summary: "every failed request has an entry in the flow log that says why",
  check(history) {
    const failed = history.operations.filter((operation) => operation.outcome !== "ok");
    const violations = failed
      .filter((operation) => !explanationOf(operation, history))
      .map(
        (operation) => `${operation.client} from ${operation.local ?? "?"}: ${operation.error ?? "failed"}`,
      );
    return verdictOf(
      violations,
      `${failed.length} failed requests, each explained by the flow log`,
      `${violations.length} of ${failed.length} failed requests have no entry in the flow log`,
    );
  },
};

/** The flow of a request: same client end, within the window. */
export const explanationOf = (operation: Operation, history: History): FlowRecord | undefined =>
  operation.local === undefined
    ? undefined
    : history.flows.find(
        (flow) =>
          flow.source === operation.local &&
          Math.abs(flow.atMs - operation.atMs) <= WINDOW_MS + operation.tookMs,
      );
