import { type Checker, verdictOf } from "../checker.js";
import type { History, PodRecord } from "../history.js";

/** A table may lag behind the labels by this much before a request to a pod that is out counts as wrong. */
const GRACE_MS = 2000;

/** Every request of a Service went to a pod that its selector chose, now or within the grace window. */
export const onlySelectedPods: Checker = {
  name: "only-selected-pods",
  summary: "no request reaches a pod outside the selector",
  check(history) {
    const pods = byPod(history.pods);
    let judged = 0;
    const violations: string[] = [];
    for (const flow of history.flows) {
      if (!flow.servicePort || !flow.pod) continue;
      const selector = selectorAt(history, flow.servicePort.split(":")[0] ?? "", flow.atMs);
      if (!selector) continue;
      judged++;
      if (!wasSelected(pods.get(flow.pod) ?? [], selector, flow.atMs)) {
        violations.push(
          `${flow.source} → ${flow.servicePort} went to ${flow.pod} (${flow.backend}), which is not selected`,
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

function byPod(records: readonly PodRecord[]): Map<string, PodRecord[]> {
  const grouped = new Map<string, PodRecord[]>();
  for (const record of records) {
    const list = grouped.get(record.pod);
    if (list) list.push(record);
    else grouped.set(record.pod, [record]);
  }
  return grouped;
}

const selectorAt = (history: History, service: string, atMs: number): Record<string, string> | undefined =>
  history.services.filter((record) => record.service === service && record.atMs <= atMs + GRACE_MS).at(-1)
    ?.selector;

/** Whether any state of the pod that was in force between `atMs - GRACE_MS` and `atMs` matches. */
function wasSelected(records: readonly PodRecord[], selector: Record<string, string>, atMs: number): boolean {
  return records.some((record, i) => {
    const endedMs = records[i + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    // The watch that made the record may itself be late, hence the same grace after.
    const inForce = record.atMs <= atMs + GRACE_MS && endedMs >= atMs - GRACE_MS;
    return inForce && record.event !== "DELETED" && matches(record.labels, selector);
  });
}

const matches = (labels: Record<string, string>, selector: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
