import type { WorkloadCondition } from "../../machinery/api/apps-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

export type Conditions = readonly DeepReadonly<WorkloadCondition>[];

export interface Verdict {
  type: "Progressing" | "Available" | "ReplicaFailure";
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

export const conditionOf = (
  conditions: Conditions | undefined,
  type: string,
): DeepReadonly<WorkloadCondition> | undefined => conditions?.find((condition) => condition.type === type);

/** The same verdict again changes nothing; a new reason for the same status keeps the time of the transition. */
export function withCondition(conditions: Conditions, verdict: Verdict, nowMs: number): WorkloadCondition[] {
  const current = conditionOf(conditions, verdict.type);
  if (current?.status === verdict.status && current.reason === verdict.reason) return [...conditions];
  return withFreshCondition(conditions, verdict, nowMs);
}

/** Sets the condition and its update time even when it says the same as before. */
export function withFreshCondition(
  conditions: Conditions,
  verdict: Verdict,
  nowMs: number,
): WorkloadCondition[] {
  const now = toTime(nowMs);
  const current = conditionOf(conditions, verdict.type);
  const lastTransitionTime = current?.status === verdict.status ? (current.lastTransitionTime ?? now) : now;
  return [
    ...withoutCondition(conditions, verdict.type),
    { ...verdict, lastUpdateTime: now, lastTransitionTime },
  ];
}

export const withoutCondition = (conditions: Conditions, type: string): WorkloadCondition[] =>
  conditions.filter((condition) => condition.type !== type);
