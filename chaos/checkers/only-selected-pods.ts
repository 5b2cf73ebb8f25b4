import { type Checker, verdictOf } from "../checker.js";
import type { FlowRecord, History, PodRecord } from "../history.js";

/**
 * Every connection of a Service that opened went to a pod that its selector chose, now or within the grace window. Who is
 * reached is decided by the address: when it was given out anew, that is another pod than the one the table meant.
 */
export const onlySelectedPods: Checker = {
  name: "only-selected-pods",
  summary: "no request reaches a pod outside the selector",
  parameters: {
    grace: { type: "duration", help: "how far tables may lag behind labels and selectors", default: "2s" },
  },
  check(history, _, { grace }) {
    const graceMs = Number(grace);
    const states = statesOf(history.pods);
    const selectors = selectorsOf(history);
    let judged = 0;
    const violations: string[] = [];
    for (const flow of history.flows) {
      if (!flow.servicePort || !flow.pod || flow.outcome !== "open") continue;
      const [service = ""] = flow.servicePort.split(":");
      const selected = around(selectors.get(service) ?? [], flow.atMs, graceMs).map(({ record }) => record);
      if (selected.length === 0) continue;
      judged++;
      const reached = reachedBy(flow, states, graceMs);
      if (reached && !reached.some(({ labels }) => selected.some((selector) => matches(labels, selector)))) {
        violations.push(
          `${flow.source} → ${flow.servicePort} went to ${reached.at(-1)?.pod ?? flow.pod} (${flow.backend}), which is not selected`,
        );
      }
    }
    return verdictOf(
      violations,
      `all ${judged} routed connections went to selected pods`,
      `${violations.length} of ${judged} routed connections went outside the selector`,
    );
  },
};

/** What was so from a moment on, until something else followed. */
interface State<T> {
  atMs: number;
  record: T;
  endedMs: number;
}

interface States {
  byPod: Map<string, State<PodRecord>[]>;
  byIp: Map<string, State<PodRecord>[]>;
}

function statesOf(records: readonly PodRecord[]): States {
  const states: States = { byPod: new Map(), byIp: new Map() };
  const latest = new Map<string, State<PodRecord>>();
  for (const record of records) {
    const before = latest.get(record.pod);
    if (before) before.endedMs = record.atMs;
    const state = { atMs: record.atMs, record, endedMs: Number.POSITIVE_INFINITY };
    latest.set(record.pod, state);
    if (record.event === "DELETED") continue;
    add(states.byPod, record.pod, state);
    const ended = record.phase === "Succeeded" || record.phase === "Failed";
    if (record.ip !== undefined && !ended) add(states.byIp, record.ip, state);
  }
  return states;
}

function add<T>(grouped: Map<string, State<T>[]>, key: string, state: State<T>): void {
  const list = grouped.get(key);
  if (list) list.push(state);
  else grouped.set(key, [state]);
}

/** By Service: what it chose its pods by, over time. */
function selectorsOf({ services }: History): Map<string, State<Record<string, string>>[]> {
  const states = new Map<string, State<Record<string, string>>[]>();
  for (const { service, event, selector, atMs } of services) {
    const before = states.get(service)?.at(-1);
    if (before) before.endedMs = Math.min(before.endedMs, atMs);
    if (event !== "DELETED" && selector)
      add(states, service, { atMs, record: selector, endedMs: Number.POSITIVE_INFINITY });
  }
  return states;
}

/** What was so at some time within the grace. The watch that told it may itself be late, hence the same grace after. */
const around = <T>(states: readonly State<T>[], atMs: number, graceMs: number): State<T>[] =>
  states.filter((state) => state.atMs <= atMs + graceMs && state.endedMs >= atMs - graceMs);

/**
 * Who may have been reached, in their states around that time. Undefined when nobody had the address then; an address that
 * no pod was ever seen with (of another family than its first) is taken to be of the pod that the table names.
 */
function reachedBy(
  { atMs, backend = "", pod = "" }: FlowRecord,
  { byIp, byPod }: States,
  graceMs: number,
): PodRecord[] | undefined {
  const holders = byIp.get(backend.slice(0, backend.lastIndexOf(":")));
  const found = around(holders ?? byPod.get(pod) ?? [], atMs, graceMs).map(({ record }) => record);
  return holders && found.length === 0 ? undefined : found;
}

const matches = (labels: Record<string, string>, selector: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
