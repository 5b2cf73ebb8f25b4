import { type Checker, verdictOf } from "../checker.js";
import type { History, PodRecord } from "../history.js";

interface Change {
  atMs: number;
  ready: boolean;
}

/**
 * Each change of a pod's readiness is in the EndpointSlices of the Services that select it within the time, unless the pod has
 * changed again before. Services that publish addresses of unready pods are judged as if they did not.
 */
export const endpointsConverge: Checker = {
  name: "endpoints-converge",
  summary: "endpoints equal the ready pods within the budget's time",
  parameters: {
    within: { type: "duration", help: "without budgets.endpointsConvergeWithin", default: "5s" },
  },
  budgets: ["endpointsConvergeWithinMs"],
  check(history, { budgets }, { within }) {
    const limitMs = budgets.endpointsConvergeWithinMs ?? Number(within);
    const endpoints = endpointChanges(history);
    const violations: string[] = [];
    let judged = 0;
    for (const [service, selector] of selectors(history)) {
      for (const [pod, changes] of podChanges(history, selector)) {
        const seen = endpoints.get(`${service} ${pod}`) ?? [];
        changes.forEach((change, i) => {
          const nextMs = changes[i + 1]?.atMs ?? history.endedAtMs;
          if (nextMs - change.atMs <= limitMs) return;
          judged++;
          if (!convergesWithin(seen, change, limitMs))
            violations.push(
              `${pod} was ${change.ready ? "ready" : "not ready"} at ${((change.atMs - history.startedAtMs) / 1000).toFixed(2)}s, and ${service} did not know it ${limitMs} ms later`,
            );
        });
      }
    }
    return verdictOf(
      violations,
      `${judged} changes of pods were in EndpointSlices within ${limitMs} ms`,
      `${violations.length} of ${judged} changes of pods were not in EndpointSlices within ${limitMs} ms`,
    );
  },
};

/** By Service, the last selector that was seen. */
const selectors = ({ services }: History): Map<string, Record<string, string>> =>
  new Map(
    services.flatMap(({ service, selector, event }) =>
      selector && event !== "DELETED" ? [[service, selector]] : [],
    ),
  );

/** By pod of the Service's namespace that the selector chose at some time: when its readiness changed. */
function podChanges({ pods }: History, selector: Record<string, string>): Map<string, Change[]> {
  const found = new Map<string, Change[]>();
  for (const record of pods) {
    const selected = Object.entries(selector).every(([key, value]) => record.labels[key] === value);
    const known = found.get(record.pod);
    if (!selected && !known) continue;
    const ready = selected && isReady(record);
    const last = known?.at(-1);
    if (!known) found.set(record.pod, ready ? [{ atMs: record.atMs, ready }] : []);
    else if ((last?.ready ?? false) !== ready) known.push({ atMs: record.atMs, ready });
  }
  return found;
}

const isReady = ({ event, ready, terminating, ip }: PodRecord): boolean =>
  event !== "DELETED" && ready && !terminating && ip !== undefined;

/** By Service and pod: when some slice began, or all slices ceased, to hold it as ready. */
function endpointChanges({ endpointSlices }: History): Map<string, Change[]> {
  const readyIn = new Map<string, Set<string>>();
  const found = new Map<string, Change[]>();
  const slicesOf = new Map<string, Set<string>>();
  for (const { slice, service, event, endpoints, atMs } of endpointSlices) {
    const before = readyIn.get(slice) ?? new Set<string>();
    const ready = event === "DELETED" ? [] : endpoints.filter((endpoint) => endpoint.ready);
    const now = new Set(ready.flatMap(({ pod }) => pod ?? []));
    readyIn.set(slice, now);
    const slices = slicesOf.get(service) ?? new Set<string>();
    slicesOf.set(service, slices.add(slice));
    for (const pod of new Set([...before, ...now])) {
      const isIn = [...slices].some((one) => readyIn.get(one)?.has(pod));
      const changes = found.get(`${service} ${pod}`) ?? [];
      found.set(`${service} ${pod}`, changes);
      if ((changes.at(-1)?.ready ?? false) !== isIn) changes.push({ atMs, ready: isIn });
    }
  }
  return found;
}

/** Whether the endpoints were so at some time from the change to its deadline. The two watches are not one: either may be first. */
function convergesWithin(seen: readonly Change[], change: Change, limitMs: number): boolean {
  const atStart = seen.findLast(({ atMs }) => atMs <= change.atMs)?.ready ?? false;
  if (atStart === change.ready) return true;
  return seen.some(
    ({ atMs, ready }) => ready === change.ready && atMs > change.atMs && atMs <= change.atMs + limitMs,
  );
}
