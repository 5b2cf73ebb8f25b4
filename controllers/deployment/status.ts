import type { Deployment, WorkloadCondition } from "../../machinery/api/apps-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import {
  conditionOf,
  type Conditions,
  withCondition,
  withFreshCondition,
  withoutCondition,
} from "./conditions.js";
import { type CachedDeployment, type CachedReplicaSet, maxUnavailable, sumOfSpec } from "./plan.js";

type Status = Deployment["status"];
type CachedStatus = DeepReadonly<Status>;

const NEVER_SECONDS = 2 ** 31 - 1;
const REASON_AVAILABLE = "NewReplicaSetAvailable";
const REASON_TIMED_OUT = "ProgressDeadlineExceeded";

export const hasProgressDeadline = ({ spec }: CachedDeployment): boolean =>
  spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== NEVER_SECONDS;

// Upstream: pkg/controller/deployment/sync.go calculateStatus.
/** The counts that follow from the ReplicaSets, and whether enough pods are available. */
export function calculateStatus(
  deployment: CachedDeployment,
  all: readonly CachedReplicaSet[],
  newOne: CachedReplicaSet | undefined,
  nowMs: number,
): Status {
  const sum = (count: (replicaSet: CachedReplicaSet) => number | undefined): number =>
    all.reduce((total, replicaSet) => total + (count(replicaSet) ?? 0), 0);
  const available = sum(({ status }) => status.availableReplicas);
  const enough = available >= deployment.spec.replicas - maxUnavailable(deployment);
  const { collisionCount } = deployment.status;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(({ status }) => status.replicas),
    updatedReplicas: newOne?.status.replicas ?? 0,
    readyReplicas: sum(({ status }) => status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sumOfSpec(all) - available),
    terminatingReplicas: sum(({ status }) => status.terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(
      deployment.status.conditions ?? [],
      {
        type: "Available",
        status: enough ? "True" : "False",
        reason: enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        message: enough
          ? "Deployment has minimum availability."
          : "Deployment does not have minimum availability.",
      },
      nowMs,
    ),
  };
}

// Upstream: pkg/controller/deployment/progress.go syncRolloutStatus.
/** The same with what the rollout says of itself: progressing, done, or stuck. */
export function calculateRolloutStatus(
  deployment: CachedDeployment,
  all: readonly CachedReplicaSet[],
  newOne: CachedReplicaSet | undefined,
  nowMs: number,
): Status {
  const status = calculateStatus(deployment, all, newOne, nowMs);
  let conditions: WorkloadCondition[] = status.conditions ?? [];
  if (!hasProgressDeadline(deployment)) conditions = withoutCondition(conditions, "Progressing");
  else if (!wasComplete(deployment, status)) {
    conditions = withProgress(deployment, status, conditions, newOne, nowMs);
  }
  const failure = replicaFailure(all, newOne);
  conditions = failure
    ? withCondition(conditions, { ...failure, type: "ReplicaFailure" }, nowMs)
    : withoutCondition(conditions, "ReplicaFailure");
  return { ...status, conditions };
}

/** A finished rollout stays finished however its pods come and go. */
function wasComplete(deployment: CachedDeployment, status: Status): boolean {
  const current = conditionOf(deployment.status.conditions, "Progressing");
  return status.replicas === status.updatedReplicas && current?.reason === REASON_AVAILABLE;
}

function withProgress(
  deployment: CachedDeployment,
  status: Status,
  conditions: Conditions,
  newOne: CachedReplicaSet | undefined,
  nowMs: number,
): WorkloadCondition[] {
  const subject = newOne
    ? `ReplicaSet "${newOne.metadata.name}"`
    : `Deployment "${deployment.metadata.name}"`;
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    const verdict = { type: "Progressing", status: "True", reason: REASON_AVAILABLE, message } as const;
    return withCondition(conditions, verdict, nowMs);
  }
  if (isProgressing(deployment.status, status)) {
    const message = `${subject} is progressing.`;
    const verdict = { type: "Progressing", status: "True", reason: "ReplicaSetUpdated", message } as const;
    return withFreshCondition(conditions, verdict, nowMs);
  }
  if (isTimedOut(deployment, conditions, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    const verdict = { type: "Progressing", status: "False", reason: REASON_TIMED_OUT, message } as const;
    return withCondition(conditions, verdict, nowMs);
  }
  return [...conditions];
}

/** Everything is of the new template, available, and the old is gone. */
export const isComplete = ({ spec, metadata }: CachedDeployment, status: CachedStatus): boolean =>
  (status.updatedReplicas ?? 0) === spec.replicas &&
  (status.replicas ?? 0) === spec.replicas &&
  (status.availableReplicas ?? 0) === spec.replicas &&
  (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);

const isProgressing = (old: CachedStatus, next: Status): boolean =>
  (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
  (next.replicas ?? 0) - (next.updatedReplicas ?? 0) < (old.replicas ?? 0) - (old.updatedReplicas ?? 0) ||
  (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
  (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0);

function isTimedOut({ spec }: CachedDeployment, conditions: Conditions, nowMs: number): boolean {
  const condition = conditionOf(conditions, "Progressing");
  if (!condition || condition.reason === REASON_AVAILABLE) return false;
  if (condition.reason === REASON_TIMED_OUT) return true;
  const since = Date.parse(condition.lastUpdateTime ?? "");
  return since + (spec.progressDeadlineSeconds ?? NEVER_SECONDS) * 1000 < nowMs;
}

/** When to look again at a rollout that makes no progress; undefined when nothing can time out. */
export function msUntilDeadline(
  deployment: CachedDeployment,
  status: CachedStatus,
  nowMs: number,
): number | undefined {
  const condition = conditionOf(status.conditions, "Progressing");
  if (!hasProgressDeadline(deployment) || !condition) return undefined;
  if (isComplete(deployment, status) || condition.reason === REASON_TIMED_OUT) return undefined;
  const since = Date.parse(condition.lastUpdateTime ?? "");
  const leftMs = since + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 - nowMs;
  return Math.max(0, leftMs) + 1000;
}

/** The new ReplicaSet's failure counts before the old ones'. */
function replicaFailure(
  all: readonly CachedReplicaSet[],
  newOne: CachedReplicaSet | undefined,
): { status: "True" | "False" | "Unknown"; reason: string; message: string } | undefined {
  for (const replicaSet of [...(newOne ? [newOne] : []), ...all]) {
    const failure = conditionOf(replicaSet.status.conditions, "ReplicaFailure");
    if (failure) {
      return { status: failure.status, reason: failure.reason ?? "", message: failure.message ?? "" };
    }
  }
  return undefined;
}

/** Counts that are absent on the wire are zero. */
export function sameStatus(old: CachedStatus, next: CachedStatus): boolean {
  const filled = (status: CachedStatus): unknown => ({
    observedGeneration: status.observedGeneration ?? 0,
    counts: [
      status.replicas ?? 0,
      status.updatedReplicas ?? 0,
      status.readyReplicas ?? 0,
      status.availableReplicas ?? 0,
      status.unavailableReplicas ?? 0,
      status.terminatingReplicas ?? 0,
      status.collisionCount ?? 0,
    ],
    conditions: status.conditions ?? [],
  });
  return deepEqual(filled(old), filled(next));
}

/** A paused rollout must not time out: its Progressing condition says why it stands still. */
export function pauseCondition(deployment: CachedDeployment, nowMs: number): WorkloadCondition[] | undefined {
  if (!hasProgressDeadline(deployment)) return undefined;
  const conditions = deployment.status.conditions ?? [];
  const current = conditionOf(conditions, "Progressing");
  if (current?.reason === REASON_TIMED_OUT) return undefined;
  const saysPaused = current?.reason === "DeploymentPaused";
  const type = "Progressing";
  if (deployment.spec.paused && !saysPaused) {
    const message = "Deployment is paused";
    return withCondition(conditions, { type, status: "Unknown", reason: "DeploymentPaused", message }, nowMs);
  }
  if (!deployment.spec.paused && saysPaused) {
    const message = "Deployment is resumed";
    return withCondition(
      conditions,
      { type, status: "Unknown", reason: "DeploymentResumed", message },
      nowMs,
    );
  }
  return undefined;
}
