import { type Checker, verdictOf } from "../checker.js";
import type { FlowRecord, History, Operation } from "../history.js";
import type { Scenario } from "../scenario/types.js";

/** Clocks of client and data plane, and the time a request waits before it fails, may differ by this much. */
const WINDOW_MS = 5000;
/** Without a port to tell a client's connections apart, only what failed close by counts. */
const NARROW_WINDOW_MS = 1000;

/** Each failed request has an entry of the flow log that says what became of it, or met a Service without endpoints. */
export const failuresExplained: Checker = {
  name: "failures-explained",
  summary: "every failed request has an entry in the flow log that says why",
  check(history, scenario) {
    const failed = history.operations.filter((operation) => operation.outcome !== "ok");
    const explanations = failed.map((operation) => explanationOf(operation, history, scenario));
    const violations = failed
      .filter((_, i) => explanations[i] === undefined)
      .map(
        (operation) => `${operation.client} from ${operation.local ?? "?"}: ${operation.error ?? "failed"}`,
      );
    const why = [...new Set(explanations)].filter((text) => text !== undefined);
    return verdictOf(
      violations,
      `${failed.length} failed requests, each explained by the flow log${why.length > 0 ? ` (${why.join("; ")})` : ""}`,
      `${violations.length} of ${failed.length} failed requests have no entry in the flow log`,
    );
  },
};

/** What became of a failed request, in words; undefined when nothing says. */
export function explanationOf(
  operation: Operation,
  history: History,
  scenario: Scenario,
): string | undefined {
  const flow = flowOf(operation, history, scenario);
  if (flow) return `${flow.outcome}${flow.reason ? `: ${flow.reason}` : ""}`;
  return byMissingEndpoints(operation, history, scenario);
}

/**
 * The connection that a request was sent on, as the flow log has it. One that is kept for many requests began long before the
 * request that failed on it.
 */
export function flowOf(
  { client, local, atMs, tookMs }: Operation,
  { flows }: History,
  scenario: Scenario,
): FlowRecord | undefined {
  if (local === undefined) return undefined;
  const keepsAlive = scenario.traffic.find(({ name }) => name === client)?.keepAlive ?? false;
  const hasPort = /:\d+$/.test(local);
  const windowMs = hasPort ? WINDOW_MS : NARROW_WINDOW_MS;
  const fromMs = hasPort && keepsAlive ? 0 : atMs - windowMs;
  const inWindow = ({ atMs: flowMs }: FlowRecord): boolean =>
    flowMs >= fromMs && flowMs <= atMs + tookMs + windowMs;
  if (hasPort) return flows.findLast((flow) => inWindow(flow) && samePort(flow.source, local));
  return closest(
    flows.filter((flow) => inWindow(flow) && flow.source.startsWith(`${local}:`) && flow.outcome !== "open"),
    atMs,
  );
}

const closest = (flows: readonly FlowRecord[], atMs: number): FlowRecord | undefined =>
  flows.reduce<FlowRecord | undefined>(
    (best, flow) => (best && Math.abs(best.atMs - atMs) <= Math.abs(flow.atMs - atMs) ? best : flow),
    undefined,
  );

/** Inside the cluster the host is its network's gateway; the port stays the same. */
const samePort = (source: string, local: string): boolean =>
  source === local ||
  (local.startsWith("127.0.0.1:") && source.startsWith("172.18.0.1:") && portOf(source) === portOf(local));
const portOf = (address: string): string => address.slice(address.lastIndexOf(":") + 1);

/** Nothing listens on the node port of a Service without endpoints: a refusal that no flow can show. */
export function byMissingEndpoints(
  operation: Operation,
  history: History,
  scenario: Scenario,
): string | undefined {
  const spec = scenario.traffic.find(({ name }) => name === operation.client);
  if (spec?.from !== "host") return undefined;
  const selector = history.services.find(
    ({ service }) => service === `${spec.namespace}/${spec.service}`,
  )?.selector;
  if (!selector) return undefined;
  const fromMs = operation.atMs - NARROW_WINDOW_MS;
  const untilMs = operation.atMs + operation.tookMs + NARROW_WINDOW_MS;
  return momentsBetween(history, fromMs, untilMs).some(
    (momentMs) => readyAt(history, selector, momentMs) === 0,
  )
    ? "refused: the Service had no endpoints"
    : undefined;
}

const momentsBetween = ({ pods }: History, fromMs: number, untilMs: number): number[] => [
  fromMs,
  ...pods.map(({ atMs }) => atMs).filter((atMs) => atMs > fromMs && atMs <= untilMs),
];

/** Ready pods of a selector at a moment, as the watch saw them. */
function readyAt({ pods }: History, selector: Record<string, string>, momentMs: number): number {
  const latest = new Map<string, boolean>();
  for (const record of pods) {
    if (record.atMs > momentMs) break;
    const selected = Object.entries(selector).every(([key, value]) => record.labels[key] === value);
    latest.set(record.pod, selected && record.ready && !record.terminating && record.event !== "DELETED");
  }
  return [...latest.values()].filter(Boolean).length;
}
