import type { TimelineEntry } from "../../proxy-sim/timeline.js";
import { type Checker, verdictOf } from "../checker.js";

/** Every change of a Service is in the table of every node within the time, counted from when the proxy saw it. */
export const tablesAgree: Checker = {
  name: "tables-agree",
  summary: "every change is in every node's table within the budget's time",
  parameters: {
    within: { type: "duration", help: "without budgets.tablesAgreeWithin", default: "5s" },
  },
  budgets: ["tablesAgreeWithinMs"],
  check({ timeline, tables, startedAtMs, endedAtMs }, { budgets }, { within }) {
    const limitMs = budgets.tablesAgreeWithinMs ?? Number(within);
    const changes = timeline.filter(({ receivedMs }) => receivedMs >= startedAtMs);
    const late = changes
      .map((entry) => ({ entry, tookMs: tookOf(entry, tables.length, endedAtMs) }))
      .filter(({ tookMs }) => tookMs > limitMs);
    const slowest = Math.max(0, ...changes.map((entry) => tookOf(entry, tables.length, endedAtMs)));
    return verdictOf(
      late.map(
        ({ entry, tookMs }) =>
          `${entry.object} at ${((entry.receivedMs - startedAtMs) / 1000).toFixed(2)}s took ${Math.round(tookMs)} ms to reach ${reached(entry)} of ${tables.length} nodes`,
      ),
      `${changes.length} changes, each in every table within ${Math.round(slowest)} ms`,
      `${late.length} of ${changes.length} changes were not in every table within ${limitMs} ms`,
    );
  },
};

const reached = ({ programmed }: TimelineEntry): number =>
  programmed.reduce((count, { nodeCount }) => count + nodeCount, 0);

/** To the last node; to the end of the run when some node never had it. */
const tookOf = (entry: TimelineEntry, nodes: number, endedAtMs: number): number =>
  (reached(entry) < nodes ? endedAtMs : Math.max(...entry.programmed.map(({ atMs }) => atMs))) -
  entry.receivedMs;
