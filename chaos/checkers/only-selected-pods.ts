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
    let judged = 0;
    const violations: string[] = [];
    for (const flow of history.flows) {
      if (!flow.servicePort || !flow.pod || flow.outcome !== "open") continue;
      const selector = selectorAt(history, flow.servicePort.split(":")[0] ?? "", flow.atMs, graceMs);
      if (!selector) continue;
      judged++;
      const reached = reachedBy(flow, states, graceMs);
      if (reached && !reached.some(({ labels }) => matches(labels, selector))) {
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

/** A state of a pod that lives, and when another one followed. */
interface State {
  record: PodRecord;
  endedMs: number;
}

interface States {
  byPod: Map<string, State[]>;
  byIp: Map<string, State[]>;
}

function statesOf(records: readonly PodRecord[]): States {
  const states: States = { byPod: new Map(), byIp: new Map() };
  const latest = new Map<string, State>();
  for (const record of records) {
    const before = latest.get(record.pod);
    if (before) before.endedMs = record.atMs;
    const state = { record, endedMs: Number.POSITIVE_INFINITY };
    latest.set(record.pod, state);
    if (record.event === "DELETED") continue;
    add(states.byPod, record.pod, state);
    const ended = record.phase === "Succeeded" || record.phase === "Failed";
    if (record.ip !== undefined && !ended) add(states.byIp, record.ip, state);
  }
  return states;
}

function add(grouped: Map<string, State[]>, key: string, state: State): void {
  const list = grouped.get(key);
  if (list) list.push(state);
  else grouped.set(key, [state]);
}

const selectorAt = (
  { services }: History,
  service: string,
  atMs: number,
  graceMs: number,
): Record<string, string> | undefined =>
  services.findLast((record) => record.service === service && record.atMs <= atMs + graceMs)?.selector;

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
  // The watch that made the record may itself be late, hence the same grace after.
  const around = (holders ?? byPod.get(pod) ?? [])
    .filter(({ record, endedMs }) => record.atMs <= atMs + graceMs && endedMs >= atMs - graceMs)
    .map(({ record }) => record);
  return holders && around.length === 0 ? undefined : around;
}

const matches = (labels: Record<string, string>, selector: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
