import { toTime } from "../../../machinery/api/clock.js";
import type { Pod, PodCondition } from "../../../machinery/api/core-v1.js";

/** Sets a condition by type; lastTransitionTime moves only when its status does (podutil.UpdatePodCondition). */
export function setPodCondition(
  pod: Pod,
  condition: Pick<PodCondition, "type" | "status" | "reason" | "message">,
  nowMs: number,
): void {
  const conditions = pod.status.conditions ?? [];
  const old = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime =
    old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : toTime(nowMs);
  const updated: PodCondition = { ...condition, lastProbeTime: null, lastTransitionTime };
  pod.status.conditions = old
    ? conditions.map((existing) => (existing === old ? updated : existing))
    : [...conditions, updated];
}
