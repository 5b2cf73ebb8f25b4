import { type Deployment, deployments, type ReplicaSet, replicaSets } from "../../machinery/api/apps-v1.js";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import { isEverything } from "../../machinery/api/labels.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { claimDependents } from "../claim.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { controlledBy, controllerOf, indexByController } from "../owner.js";
import { type CachedPod, isPodFinished } from "../pod-state.js";
import { selectorOf, selects } from "../selector-cache.js";
import { desiredReplicasOf, revisionOf } from "./annotations.js";
import { type CachedDeployment, type CachedReplicaSet, planNew, planOld, planScaling } from "./plan.js";
import { findNew, ReplicaSetWriter } from "./replica-sets.js";
import {
  calculateRolloutStatus,
  calculateStatus,
  isComplete,
  msUntilDeadline,
  pauseCondition,
  sameStatus,
} from "./status.js";

export const deploymentController = defineController({
  name: "deployment",
  for: deployments,
  owns: [replicaSets],
  watches: [
    // Orphans that a Deployment may adopt.
    enqueueMapped(replicaSets, (replicaSet, deps) => {
      if (controllerOf(replicaSet)) return [];
      return deps
        .informer(deployments)
        .list(replicaSet.metadata.namespace)
        .filter(({ spec }) => selects(spec.selector, replicaSet.metadata.labels))
        .map(objectKey);
    }),
    // Recreate waits until the old pods are really gone.
    enqueueMapped(pods, deploymentOfPod, (old, pod) => isPodFinished(old) !== isPodFinished(pod)),
  ],
  reconciler: (deps) => new DeploymentReconciler(deps),
});

function deploymentOfPod(pod: CachedPod, deps: ReconcilerDeps): ObjectKey[] {
  const { namespace } = pod.metadata;
  const replicaSet = deps.informer(replicaSets).get(`${namespace}/${controllerOf(pod)?.name}`);
  const owner = replicaSet && controllerOf(replicaSet);
  const key = `${namespace}/${owner?.name}`;
  return deps.informer(deployments).get(key)?.spec.strategy.type === "Recreate" ? [key] : [];
}

interface Rollout {
  deployment: CachedDeployment;
  newOne: CachedReplicaSet | undefined;
  old: readonly CachedReplicaSet[];
}

class DeploymentReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #writer: ReplicaSetWriter;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#deployments = deps.informer(deployments);
    this.#replicaSets = deps.informer(replicaSets);
    this.#pods = deps.informer(pods);
    this.#writer = new ReplicaSetWriter(deps);
    indexByController(this.#pods);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    let deployment = this.#deployments.get(key);
    if (!deployment) return undefined;
    if (isEverything(selectorOf(deployment.spec.selector))) return this.#refuse(deployment);
    const all = await this.#claim(deployment);
    if (deployment.metadata.deletionTimestamp)
      return this.#finish(this.#split(deployment, all), calculateStatus);
    const conditions = pauseCondition(deployment, this.#deps.clock.nowMs());
    if (conditions) {
      deployment = await this.#writer.writeStatus({
        ...deployment,
        status: { ...deployment.status, conditions },
      });
    }
    if (deployment.spec.paused || isScalingEvent(deployment, all)) return this.#scale(deployment, all);
    return deployment.spec.strategy.type === "Recreate"
      ? this.#recreate(deployment, all)
      : this.#roll(deployment, all);
  }

  #claim(deployment: CachedDeployment): Promise<CachedReplicaSet[]> {
    return claimDependents({
      client: this.#deps.client,
      informer: this.#replicaSets,
      owner: deployment,
      ownerDescriptor: deployments,
    });
  }

  /** A selector that selects everything would take every pod of the namespace. */
  #refuse(deployment: CachedDeployment): undefined {
    const message = "This deployment is selecting all pods. A non-empty selector is required.";
    this.#deps.events.event(deployment, "Warning", "SelectingAll", message);
    return undefined;
  }

  // Upstream: pkg/controller/deployment/rolling.go rolloutRolling.
  async #roll(deployment: CachedDeployment, all: readonly CachedReplicaSet[]): Promise<ReconcileResult> {
    const rollout = await this.#prepare(deployment, all, true);
    const { newOne, old } = rollout;
    if (!newOne) return undefined;
    const up = planNew(rollout.deployment, [...old, newOne], newOne);
    if (up) {
      const scaled = await this.#writer.scale(rollout.deployment, up);
      return this.#finish({ ...rollout, newOne: scaled }, calculateRolloutStatus);
    }
    const down = planOld(rollout.deployment, old, newOne);
    if (down.length > 0) {
      const shrunk = new Map<CachedReplicaSet, CachedReplicaSet>();
      for (const one of down) shrunk.set(one.replicaSet, await this.#writer.scale(rollout.deployment, one));
      return this.#finish(
        { ...rollout, old: old.map((one) => shrunk.get(one) ?? one) },
        calculateRolloutStatus,
      );
    }
    return this.#cleanUpAndFinish(rollout);
  }

  // Upstream: pkg/controller/deployment/recreate.go rolloutRecreate.
  async #recreate(deployment: CachedDeployment, all: readonly CachedReplicaSet[]): Promise<ReconcileResult> {
    const before = await this.#prepare(deployment, all, false);
    const active = before.old.filter(({ spec }) => spec.replicas > 0);
    if (active.length > 0) {
      for (const replicaSet of active)
        await this.#writer.scale(before.deployment, { replicaSet, replicas: 0 });
      return this.#finish(before, calculateRolloutStatus);
    }
    if (this.#oldPodsRunning(before)) return this.#finish(before, calculateRolloutStatus);
    const rollout = before.newOne ? before : await this.#prepare(before.deployment, before.old, true);
    const { newOne } = rollout;
    if (newOne && newOne.spec.replicas !== deployment.spec.replicas) {
      const { replicas } = deployment.spec;
      const scaled = await this.#writer.scale(rollout.deployment, { replicaSet: newOne, replicas });
      return this.#finish({ ...rollout, newOne: scaled }, calculateRolloutStatus);
    }
    return this.#cleanUpAndFinish(rollout);
  }

  /** Paused, or only its size changed: no rollout, but the size is shared among what there is. */
  async #scale(deployment: CachedDeployment, all: readonly CachedReplicaSet[]): Promise<ReconcileResult> {
    const rollout = await this.#prepare(deployment, all, false);
    const scaled = new Map<CachedReplicaSet, CachedReplicaSet>();
    for (const one of planScaling(rollout.deployment, rollout.newOne, rollout.old)) {
      scaled.set(one.replicaSet, await this.#writer.scale(rollout.deployment, one));
    }
    const now = (one: CachedReplicaSet): CachedReplicaSet => scaled.get(one) ?? one;
    const after = {
      ...rollout,
      newOne: rollout.newOne && now(rollout.newOne),
      old: rollout.old.map(now),
    };
    if (deployment.spec.paused) await this.#writer.cleanUp(after.deployment, after.old);
    return this.#finish(after, calculateStatus);
  }

  // Upstream: pkg/controller/deployment/sync.go getAllReplicaSetsAndSyncRevision.
  async #prepare(
    deployment: CachedDeployment,
    all: readonly CachedReplicaSet[],
    mayCreate: boolean,
  ): Promise<Rollout> {
    const { newOne, old } = this.#split(deployment, all);
    const revision = Math.max(0, ...old.map(({ metadata }) => revisionOf(metadata))) + 1;
    if (newOne) return { old, ...(await this.#writer.refresh(deployment, newOne, revision)) };
    if (!mayCreate) return { deployment, newOne, old };
    return { old, ...(await this.#writer.create(deployment, old, revision)) };
  }

  #split(deployment: CachedDeployment, all: readonly CachedReplicaSet[]): Rollout {
    const newOne = findNew(deployment, all);
    return { deployment, newOne, old: all.filter((one) => one !== newOne) };
  }

  #oldPodsRunning({ newOne, old }: Rollout): boolean {
    return old.some(
      (one) =>
        one !== newOne &&
        (one.status.replicas > 0 ||
          controlledBy(this.#pods, one.metadata.uid).some((pod) => !isPodFinished(pod))),
    );
  }

  async #cleanUpAndFinish(rollout: Rollout): Promise<ReconcileResult> {
    if (isComplete(rollout.deployment, rollout.deployment.status)) {
      await this.#writer.cleanUp(rollout.deployment, rollout.old);
    }
    return this.#finish(rollout, calculateRolloutStatus);
  }

  async #finish(
    { deployment, newOne, old }: Rollout,
    calculate: typeof calculateStatus,
  ): Promise<ReconcileResult> {
    const nowMs = this.#deps.clock.nowMs();
    const status = calculate(deployment, [...old, ...(newOne ? [newOne] : [])], newOne, nowMs);
    if (!sameStatus(deployment.status, status)) {
      try {
        await this.#writer.writeStatus({ ...deployment, status });
      } catch (err) {
        if (!isNotFound(err)) throw err;
        return undefined;
      }
    }
    const waitMs = msUntilDeadline(deployment, status, nowMs);
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }
}

/** spec.replicas changed since the ReplicaSets were last scaled. */
const isScalingEvent = (deployment: CachedDeployment, all: readonly CachedReplicaSet[]): boolean =>
  all.some(({ metadata, spec }) => {
    const desired = desiredReplicasOf(metadata);
    return spec.replicas > 0 && desired !== undefined && desired !== deployment.spec.replicas;
  });
