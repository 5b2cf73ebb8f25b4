import { type Deployment, deployments, type ReplicaSet, replicaSets } from "../../machinery/api/apps-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import { isAlreadyExists, isNotFound } from "../../machinery/api/status.js";
import type { ReconcilerDeps } from "../controller.js";
import { isNamespaceTerminating, messageOf } from "../error-message.js";
import { isControlledBy, newControllerRef } from "../owner.js";
import { newReplicaSetAnnotations, REVISION, revisionOf, sizeAnnotations } from "./annotations.js";
import { conditionOf, type Verdict, withCondition } from "./conditions.js";
import {
  byCreation,
  type CachedDeployment,
  type CachedReplicaSet,
  maxSurge,
  newReplicaSetSize,
  type Scaling,
} from "./plan.js";
import { hasProgressDeadline } from "./status.js";
import { HASH_LABEL, sameTemplate, templateHash } from "./template.js";

/** The oldest ReplicaSet with the Deployment's present template. */
export const findNew = (
  deployment: CachedDeployment,
  all: readonly CachedReplicaSet[],
): CachedReplicaSet | undefined =>
  [...all].sort(byCreation).find(({ spec }) => sameTemplate(spec.template, deployment.spec.template));

/** The writes that a rollout makes to ReplicaSets, and what it says of them on the Deployment. */
export class ReplicaSetWriter {
  readonly #deps: ReconcilerDeps;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  // Upstream: pkg/controller/deployment/sync.go getNewReplicaSet.
  /** Brings an existing new ReplicaSet up to date: revision, copied annotations, minReadySeconds. */
  async refresh(
    deployment: CachedDeployment,
    newOne: CachedReplicaSet,
    revision: number,
  ): Promise<{ deployment: CachedDeployment; newOne: CachedReplicaSet }> {
    const annotations = newReplicaSetAnnotations(deployment.metadata, newOne.metadata.annotations, revision);
    const { minReadySeconds = 0 } = deployment.spec;
    let current = newOne;
    if (
      !deepEqual(annotations, newOne.metadata.annotations ?? {}) ||
      minReadySeconds !== (newOne.spec.minReadySeconds ?? 0)
    ) {
      current = await this.#update({
        ...newOne,
        metadata: { ...newOne.metadata, annotations },
        spec: { ...newOne.spec, minReadySeconds },
      });
    }
    const name = current.metadata.name;
    const found = {
      type: "Progressing",
      status: "True",
      reason: "FoundNewReplicaSet",
      message: `Found new replica set "${name}"`,
    } as const;
    const verdict = conditionOf(deployment.status.conditions, "Progressing") ? undefined : found;
    return {
      deployment: await this.#note(deployment, revisionOf(current.metadata), verdict),
      newOne: current,
    };
  }

  /** Creates the new ReplicaSet, already as large as the surge allows. */
  async create(
    deployment: CachedDeployment,
    old: readonly CachedReplicaSet[],
    revision: number,
  ): Promise<{ deployment: CachedDeployment; newOne: CachedReplicaSet }> {
    const manifest = newReplicaSet(deployment, old, revision);
    const { name } = manifest.metadata;
    let newOne: CachedReplicaSet;
    try {
      newOne = this.#observed(await this.#deps.client.create(replicaSets, manifest));
    } catch (err) {
      newOne = await this.#afterFailedCreate(deployment, manifest, err);
      return { deployment: await this.#note(deployment, revision, undefined), newOne };
    }
    if (newOne.spec.replicas > 0) {
      const message = `Scaled up replica set ${name} from 0 to ${newOne.spec.replicas}`;
      this.#deps.events.event(deployment, "Normal", "ScalingReplicaSet", message);
    }
    const created = {
      type: "Progressing",
      status: "True",
      reason: "NewReplicaSetCreated",
      message: `Created new replica set "${name}"`,
    } as const;
    return { deployment: await this.#note(deployment, revision, created), newOne };
  }

  /** Sets a size and remembers that of the whole; says so in an event when the size changed. */
  async scale(deployment: CachedDeployment, { replicaSet, replicas }: Scaling): Promise<CachedReplicaSet> {
    const whole = sizeAnnotations(deployment.spec.replicas, deployment.spec.replicas + maxSurge(deployment));
    const annotations = { ...replicaSet.metadata.annotations, ...whole };
    const from = replicaSet.spec.replicas;
    if (from === replicas && deepEqual(annotations, replicaSet.metadata.annotations)) return replicaSet;
    const scaled = await this.#update({
      ...replicaSet,
      metadata: { ...replicaSet.metadata, annotations },
      spec: { ...replicaSet.spec, replicas },
    });
    if (from !== replicas) {
      const direction = from < replicas ? "up" : "down";
      const message = `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${from} to ${replicas}`;
      this.#deps.events.event(deployment, "Normal", "ScalingReplicaSet", message);
    }
    return scaled;
  }

  /** Deletes empty old ReplicaSets beyond revisionHistoryLimit, oldest revision first. */
  async cleanUp(deployment: CachedDeployment, old: readonly CachedReplicaSet[]): Promise<void> {
    const { revisionHistoryLimit } = deployment.spec;
    if (revisionHistoryLimit === undefined) return;
    const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const excess = alive.length - revisionHistoryLimit;
    const oldestFirst = alive.sort(
      (a, b) => revisionOf(a.metadata) - revisionOf(b.metadata) || byCreation(a, b),
    );
    for (const { metadata, spec, status } of oldestFirst.slice(0, Math.max(0, excess))) {
      const busy = status.replicas !== 0 || spec.replicas !== 0;
      if (busy || (metadata.generation ?? 0) > (status.observedGeneration ?? 0)) continue;
      try {
        await this.#deps.client.delete(replicaSets, metadata);
      } catch (err) {
        if (!isNotFound(err)) throw err;
      }
    }
  }

  /** Somebody was first: the same ReplicaSet made by us, or another template with the same hash. */
  async #afterFailedCreate(
    deployment: CachedDeployment,
    manifest: { metadata: { namespace: string; name: string } },
    err: unknown,
  ): Promise<CachedReplicaSet> {
    if (isAlreadyExists(err)) {
      const existing = await this.#deps.client.get(replicaSets, manifest.metadata);
      const ours = isControlledBy(existing, deployment);
      if (ours && sameTemplate(existing.spec.template, deployment.spec.template))
        return this.#observed(existing);
      const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
      await this.writeStatus({ ...deployment, status: { ...deployment.status, collisionCount } });
      throw err;
    }
    if (isNamespaceTerminating(err)) throw err;
    const message = `Failed to create new replica set "${manifest.metadata.name}": ${messageOf(err)}`;
    const reason = "ReplicaSetCreateError";
    await this.#note(deployment, undefined, { type: "Progressing", status: "False", reason, message });
    this.#deps.events.event(deployment, "Warning", reason, message);
    throw err;
  }

  /** Puts the revision and what happened on the Deployment. */
  async #note(
    deployment: CachedDeployment,
    revision: number | undefined,
    verdict: Verdict | undefined,
  ): Promise<CachedDeployment> {
    const conditions = deployment.status.conditions ?? [];
    const nowMs = this.#deps.clock.nowMs();
    const tells = verdict !== undefined && hasProgressDeadline(deployment);
    const renumbered =
      revision !== undefined && deployment.metadata.annotations?.[REVISION] !== String(revision);
    if (!tells && !renumbered) return deployment;
    const annotations = {
      ...deployment.metadata.annotations,
      ...(renumbered ? { [REVISION]: String(revision) } : {}),
    };
    return this.writeStatus({
      ...deployment,
      metadata: { ...deployment.metadata, annotations },
      status: tells
        ? { ...deployment.status, conditions: withCondition(conditions, verdict, nowMs) }
        : deployment.status,
    });
  }

  /** Status, and annotations with it. */
  async writeStatus(changed: CachedDeployment): Promise<CachedDeployment> {
    const stored = await this.#deps.client.update(deployments, changed as Deployment, {
      subresource: "status",
    });
    return this.#deps.informer(deployments).observe(stored) as CachedDeployment;
  }

  async #update(changed: CachedReplicaSet): Promise<CachedReplicaSet> {
    return this.#observed(await this.#deps.client.update(replicaSets, changed as ReplicaSet));
  }

  #observed(written: ReplicaSet): CachedReplicaSet {
    return this.#deps.informer(replicaSets).observe(written) as CachedReplicaSet;
  }
}

function newReplicaSet(deployment: CachedDeployment, old: readonly CachedReplicaSet[], revision: number) {
  const { template, selector, minReadySeconds = 0, replicas } = deployment.spec;
  const hash = templateHash(template, deployment.status.collisionCount);
  const labels = { ...template.metadata.labels, [HASH_LABEL]: hash };
  return {
    metadata: {
      namespace: deployment.metadata.namespace ?? "",
      name: `${deployment.metadata.name}-${hash}`,
      labels,
      annotations: {
        ...newReplicaSetAnnotations(deployment.metadata, undefined, revision),
        ...sizeAnnotations(replicas, replicas + maxSurge(deployment)),
      },
      ownerReferences: [newControllerRef(deployment, deployments)],
    },
    spec: {
      replicas: newReplicaSetSize(deployment, old, 0),
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    } as unknown as ReplicaSet["spec"],
  };
}
