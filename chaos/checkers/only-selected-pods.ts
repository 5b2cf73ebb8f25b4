import { type Checker, verdictOf } from "../checker.js";
import type { History, PodRecord } from "../history.js";

/** Every request of a Service went to a pod that its selector chose, now or within the grace window. */
export const onlySelectedPods: Checker = {
  name: "only-selected-pods",
  summary: "no request reaches a pod outside the selector",
  parameters: {
    grace: { type: "duration", help: "how far tables may lag behind labels and selectors", default: "2s" },
  },
  check(history, _, { grace }) {
    const graceMs = Number(grace);
    const pods = byPod(history.pods);
    let judged = 0;
    const violations: string[] = [];
    for (const flow of history.flows) {
      if (!flow.servicePort || !flow.pod) continue;
      const selector = selectorAt(history, flow.servicePort.split(":")[0] ?? "", flow.atMs, graceMs);
      if (!selector) continue;
      judged++;
      if (!wasSelected(pods.get(flow.pod) ?? [], selector, flow.atMs, graceMs)) {
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

const selectorAt = (
  { services }: History,
  service: string,
  atMs: number,
  graceMs: number,
): Record<string, string> | undefined =>
  services.findLast((record) => record.service === service && record.atMs <= atMs + graceMs)?.selector;

/** Whether any state of the pod that was in force between `atMs - graceMs` and `atMs` matches. */
function wasSelected(
  records: readonly PodRecord[],
  selector: Record<string, string>,
  atMs: number,
  graceMs: number,
): boolean {
  return records.some((record, i) => {
    const endedMs = records[i + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    // The watch that made the record may itself be late, hence the same grace after.
    const inForce = record.atMs <= atMs + graceMs && endedMs >= atMs - graceMs;
    return inForce && record.event !== "DELETED" && matches(record.labels, selector);
  });
}

const matches = (labels: Record<string, string>, selector: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
