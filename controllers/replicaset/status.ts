import type { ReplicaSet, WorkloadCondition } from "../../machinery/api/apps-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import { messageOf } from "../error-message.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type CachedPod, isPodAvailable, isPodReady } from "../pod-state.js";

export interface Observed {
  active: readonly CachedPod[];
  terminating: readonly CachedPod[];
  /** Why the last creations or deletions failed. */
  failure?: unknown;
  nowMs: number;
}

// Upstream: pkg/controller/replicaset/replica_set_utils.go calculateStatus.
/** The status that follows from what is observed. */
export function calculateStatus(
  replicaSet: DeepReadonly<ReplicaSet>,
  observed: Observed,
): ReplicaSet["status"] {
  const { spec } = replicaSet;
  const templateLabels = Object.entries(spec.template.metadata.labels ?? {});
  const { active, nowMs } = observed;
  const count = (holds: (pod: CachedPod) => boolean): number => active.filter(holds).length;
  const conditions = failureCondition(replicaSet, observed);
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) =>
      templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value),
    ),
    readyReplicas: count(isPodReady),
    availableReplicas: count((pod) => isPodAvailable(pod, spec.minReadySeconds ?? 0, nowMs)),
    terminatingReplicas: observed.terminating.length,
    observedGeneration: replicaSet.metadata.generation ?? 0,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
}

function failureCondition(
  { spec, status }: DeepReadonly<ReplicaSet>,
  { active, failure, nowMs }: Observed,
): WorkloadCondition[] {
  const conditions = (status.conditions ?? []) as WorkloadCondition[];
  const others = conditions.filter((condition) => condition.type !== "ReplicaFailure");
  if (failure === undefined) return others;
  if (others.length < conditions.length) return conditions;
  const reason = active.length < spec.replicas ? "FailedCreate" : "FailedDelete";
  return [
    ...others,
    {
      type: "ReplicaFailure",
      status: "True",
      lastTransitionTime: toTime(nowMs),
      reason,
      message: messageOf(failure),
    },
  ];
}

/** Zero and absent are the same on the wire. */
export function sameStatus(
  old: DeepReadonly<ReplicaSet["status"]>,
  next: DeepReadonly<ReplicaSet["status"]>,
): boolean {
  return (
    old.replicas === next.replicas &&
    (old.fullyLabeledReplicas ?? 0) === (next.fullyLabeledReplicas ?? 0) &&
    (old.readyReplicas ?? 0) === (next.readyReplicas ?? 0) &&
    (old.availableReplicas ?? 0) === (next.availableReplicas ?? 0) &&
    (old.terminatingReplicas ?? 0) === (next.terminatingReplicas ?? 0) &&
    (old.observedGeneration ?? 0) === (next.observedGeneration ?? 0) &&
    JSON.stringify(old.conditions ?? []) === JSON.stringify(next.conditions ?? [])
  );
}
