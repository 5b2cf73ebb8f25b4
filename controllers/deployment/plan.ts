import type { Deployment, ReplicaSet } from "../../machinery/api/apps-v1.js";
import { scaledValue } from "../../machinery/api/int-or-string.js";
import type { DeepReadonly, IntOrString } from "../../machinery/api/meta-v1.js";
import { desiredReplicasOf, maxReplicasOf } from "./annotations.js";

export type CachedDeployment = DeepReadonly<Deployment>;
export type CachedReplicaSet = DeepReadonly<ReplicaSet>;

/** A size that one ReplicaSet should have. */
export interface Scaling {
  replicaSet: CachedReplicaSet;
  replicas: number;
}

// Upstream: pkg/controller/deployment/util/deployment_util.go, rolling.go and sync.go.

/** Surge rounds up and unavailable down; both zero would make no progress, so one may be missing then. */
export function resolveFenceposts(
  maxSurge: IntOrString | undefined,
  maxUnavailable: IntOrString | undefined,
  replicas: number,
): { surge: number; unavailable: number } {
  const surge = scaledValue(maxSurge ?? 0, replicas, "up") ?? 0;
  const unavailable = scaledValue(maxUnavailable ?? 0, replicas, "down") ?? 0;
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

const isRolling = ({ spec }: CachedDeployment): boolean => spec.strategy.type === "RollingUpdate";

export function maxSurge(deployment: CachedDeployment): number {
  if (!isRolling(deployment)) return 0;
  const { strategy, replicas } = deployment.spec;
  const { rollingUpdate } = strategy;
  return resolveFenceposts(rollingUpdate?.maxSurge, rollingUpdate?.maxUnavailable, replicas).surge;
}

export function maxUnavailable(deployment: CachedDeployment): number {
  const { strategy, replicas } = deployment.spec;
  if (!isRolling(deployment) || replicas === 0) return 0;
  const { rollingUpdate } = strategy;
  const { unavailable } = resolveFenceposts(rollingUpdate?.maxSurge, rollingUpdate?.maxUnavailable, replicas);
  return Math.min(unavailable, replicas);
}

export const sumOfSpec = (all: readonly CachedReplicaSet[]): number =>
  all.reduce((sum, { spec }) => sum + spec.replicas, 0);
const sumOfAvailable = (all: readonly CachedReplicaSet[]): number =>
  all.reduce((sum, { status }) => sum + (status.availableReplicas ?? 0), 0);

/** Size of the new ReplicaSet as far as the surge allows now. `current` is its size, 0 before it exists. */
export function newReplicaSetSize(
  deployment: CachedDeployment,
  all: readonly CachedReplicaSet[],
  current: number,
): number {
  const { replicas } = deployment.spec;
  if (!isRolling(deployment)) return replicas;
  const room = replicas + maxSurge(deployment) - sumOfSpec(all);
  return room <= 0 ? current : current + Math.min(room, replicas - current);
}

/** The new ReplicaSet's next size in a rolling update; undefined when it has its size. */
export function planNew(
  deployment: CachedDeployment,
  all: readonly CachedReplicaSet[],
  newOne: CachedReplicaSet,
): Scaling | undefined {
  const { replicas } = deployment.spec;
  if (newOne.spec.replicas === replicas) return undefined;
  const size =
    newOne.spec.replicas > replicas ? replicas : newReplicaSetSize(deployment, all, newOne.spec.replicas);
  return size === newOne.spec.replicas ? undefined : { replicaSet: newOne, replicas: size };
}

/** How far old ReplicaSets may shrink now: unhealthy pods first, then as many as availability allows, oldest first. */
export function planOld(
  deployment: CachedDeployment,
  old: readonly CachedReplicaSet[],
  newOne: CachedReplicaSet,
): Scaling[] {
  if (sumOfSpec(old) === 0) return [];
  const minAvailable = deployment.spec.replicas - maxUnavailable(deployment);
  const newUnavailable = newOne.spec.replicas - (newOne.status.availableReplicas ?? 0);
  const budget = sumOfSpec([...old, newOne]) - minAvailable - newUnavailable;
  if (budget <= 0) return [];
  const sizes = new Map(old.map((one) => [one, one.spec.replicas]));
  const oldestFirst = [...old].sort(byCreation);
  removeUnhealthy(oldestFirst, sizes, budget);
  removeHealthy(oldestFirst, sizes, sumOfAvailable([...old, newOne]) - minAvailable);
  return oldestFirst
    .filter((one) => sizes.get(one) !== one.spec.replicas)
    .map((replicaSet) => ({ replicaSet, replicas: sizes.get(replicaSet) ?? 0 }));
}

function removeUnhealthy(
  oldestFirst: readonly CachedReplicaSet[],
  sizes: Map<CachedReplicaSet, number>,
  budget: number,
): void {
  let left = budget;
  for (const one of oldestFirst) {
    const unhealthy = one.spec.replicas - (one.status.availableReplicas ?? 0);
    const remove = Math.min(left, Math.max(0, unhealthy), one.spec.replicas);
    sizes.set(one, one.spec.replicas - remove);
    left -= remove;
  }
}

function removeHealthy(
  oldestFirst: readonly CachedReplicaSet[],
  sizes: Map<CachedReplicaSet, number>,
  budget: number,
): void {
  let left = Math.max(0, budget);
  for (const one of oldestFirst) {
    const size = sizes.get(one) ?? 0;
    const remove = Math.min(left, size);
    sizes.set(one, size - remove);
    left -= remove;
  }
}

/** A change of spec.replicas while several ReplicaSets have pods is shared among them in proportion to their sizes. */
export function planScaling(
  deployment: CachedDeployment,
  newOne: CachedReplicaSet | undefined,
  old: readonly CachedReplicaSet[],
): Scaling[] {
  const { replicas } = deployment.spec;
  const only = activeOrLatest(newOne, old);
  if (only) return only.spec.replicas === replicas ? [] : [{ replicaSet: only, replicas }];
  const active = old.filter(({ spec }) => spec.replicas > 0);
  if (newOne && isSaturated(deployment, newOne)) {
    return active.map((replicaSet) => ({ replicaSet, replicas: 0 }));
  }
  if (!isRolling(deployment)) return [];
  return planProportional(deployment, [...active, ...(newOne && newOne.spec.replicas > 0 ? [newOne] : [])]);
}

function planProportional(deployment: CachedDeployment, all: readonly CachedReplicaSet[]): Scaling[] {
  const { replicas } = deployment.spec;
  const allowed = replicas > 0 ? replicas + maxSurge(deployment) : 0;
  const toAdd = allowed - sumOfSpec(all);
  const newestFirst = toAdd > 0 ? -1 : 1;
  const sorted = [...all].sort((a, b) => b.spec.replicas - a.spec.replicas || newestFirst * byCreation(a, b));
  let added = 0;
  const plan = sorted.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : shareOf(replicaSet, deployment, toAdd, added);
    added += share;
    return { replicaSet, replicas: replicaSet.spec.replicas + share };
  });
  // What rounding left over goes to the largest.
  if (plan[0] && toAdd !== 0) plan[0].replicas = Math.max(0, plan[0].replicas + toAdd - added);
  return plan;
}

function shareOf(
  { spec, metadata }: CachedReplicaSet,
  deployment: CachedDeployment,
  toAdd: number,
  added: number,
): number {
  if (spec.replicas === 0 || toAdd === added) return 0;
  const left = toAdd - added;
  const before = maxReplicasOf(metadata) || (deployment.status.replicas ?? 0);
  if (deployment.spec.replicas !== 0 && before === 0) return 0;
  const fraction =
    deployment.spec.replicas === 0
      ? -spec.replicas
      : Math.round((spec.replicas * (deployment.spec.replicas + maxSurge(deployment))) / before) -
        spec.replicas;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** The one ReplicaSet that has pods; when none has, the new one or the latest. Undefined when several have. */
function activeOrLatest(
  newOne: CachedReplicaSet | undefined,
  old: readonly CachedReplicaSet[],
): CachedReplicaSet | undefined {
  const active = [...old, ...(newOne ? [newOne] : [])].filter(({ spec }) => spec.replicas > 0);
  if (active.length > 1) return undefined;
  return active[0] ?? newOne ?? [...old].sort(byCreation).at(-1);
}

function isSaturated(deployment: CachedDeployment, newOne: CachedReplicaSet): boolean {
  const { replicas } = deployment.spec;
  return (
    newOne.spec.replicas === replicas &&
    desiredReplicasOf(newOne.metadata) === replicas &&
    newOne.status.availableReplicas === replicas
  );
}

export const byCreation = (a: CachedReplicaSet, b: CachedReplicaSet): number => {
  const left = Date.parse(a.metadata.creationTimestamp);
  const right = Date.parse(b.metadata.creationTimestamp);
  return left === right ? (a.metadata.name < b.metadata.name ? -1 : 1) : left - right;
};
