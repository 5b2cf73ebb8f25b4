import { replicaSets, type ReplicaSet } from "../../machinery/api/apps-v1.js";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { settleBounded, slowStart } from "../bounded.js";
import { claimDependents } from "../claim.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import type { ReconcileResult } from "../workers.js";
import { isNamespaceTerminating, messageOf } from "../error-message.js";
import { controlledBy, controllerOf, indexByController, newControllerRef } from "../owner.js";
import { Pacer } from "../pacer.js";
import { type CachedPod, isPodActive, isPodFinished, msUntilAvailable } from "../pod-state.js";
import { selects } from "../selector-cache.js";
import { planScale } from "./plan.js";
import { calculateStatus, sameStatus } from "./status.js";

type Cached = DeepReadonly<ReplicaSet>;

/** Requests under way at once for one ReplicaSet. */
const PARALLEL_WRITES = 32;
/** Ten milliseconds for a thousand pods. */
const PACE = { smallCount: 200, msPerItem: 0.01 };

export const replicaSetController = defineController({
  name: "replicaset",
  for: replicaSets,
  owns: [pods],
  // Orphans that a ReplicaSet may adopt.
  watches: [
    enqueueMapped(pods, (pod, deps) => {
      if (controllerOf(pod)) return [];
      return deps
        .informer(replicaSets)
        .list(pod.metadata.namespace)
        .filter((replicaSet) => selects(replicaSet.spec.selector, pod.metadata.labels))
        .map(objectKey);
    }),
  ],
  reconciler: (deps) => new ReplicaSetReconciler(deps),
});

class ReplicaSetReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #pacer: Pacer;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#replicaSets = deps.informer(replicaSets);
    this.#pods = deps.informer(pods);
    this.#pacer = new Pacer(deps.clock, PACE);
    indexByController(this.#replicaSets);
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const replicaSet = this.#replicaSets.get(key);
    if (!replicaSet) {
      this.#deps.expectations.forget(key);
      this.#pacer.forget(key);
      return undefined;
    }
    const waitMs = this.#pacer.waitMs(key);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    // Before listing, or a pod seen in between counts twice.
    const settled = this.#deps.expectations.satisfied(key);
    const claimed = await this.#claimPods(replicaSet);
    this.#pacer.worked(key, claimed.length);
    const active = claimed.filter(isPodActive);
    const failure =
      settled && !replicaSet.metadata.deletionTimestamp
        ? await this.#scale(key, replicaSet, active, signal)
        : undefined;
    const terminating = claimed.filter((pod) => pod.metadata.deletionTimestamp && !isPodFinished(pod));
    await this.#updateStatus(replicaSet, active, terminating, failure);
    if (failure !== undefined) throw failure;
    return this.#whenNextAvailable(replicaSet, active);
  }

  #claimPods(replicaSet: Cached): Promise<CachedPod[]> {
    return claimDependents({
      client: this.#deps.client,
      informer: this.#pods,
      owner: replicaSet,
      ownerDescriptor: replicaSets,
      mayAdopt: isPodActive,
    });
  }

  /** Resolves to the first failure, if any. */
  async #scale(
    key: ObjectKey,
    replicaSet: Cached,
    active: readonly CachedPod[],
    signal: AbortSignal,
  ): Promise<unknown> {
    if (replicaSet.spec.replicas === active.length) return undefined;
    const excess = active.length > replicaSet.spec.replicas;
    const related = excess ? this.#relatedPods(replicaSet) : [];
    const plan = planScale(replicaSet.spec.replicas, active, related, this.#deps.clock.nowMs());
    return plan.create > 0
      ? this.#create(key, replicaSet, plan.create, signal)
      : this.#remove(key, replicaSet, plan.remove);
  }

  /** The active pods of every ReplicaSet that the same Deployment owns. */
  #relatedPods(replicaSet: Cached): CachedPod[] {
    const owner = controllerOf(replicaSet);
    const siblings = owner ? controlledBy(this.#replicaSets, owner.uid) : [replicaSet];
    return siblings.flatMap((sibling) => controlledBy(this.#pods, sibling.metadata.uid)).filter(isPodActive);
  }

  async #create(key: ObjectKey, replicaSet: Cached, count: number, signal: AbortSignal): Promise<unknown> {
    const { expectations } = this.#deps;
    expectations.expectCreations(key, count);
    let tried = 0;
    const { failure } = await slowStart(count, PARALLEL_WRITES, async () => {
      signal.throwIfAborted();
      tried++;
      try {
        await this.#createPod(replicaSet);
      } catch (err) {
        expectations.creationObserved(key);
        throw err;
      }
    });
    // Those not even tried will never be seen.
    expectations.creationObserved(key, count - tried);
    return isNamespaceTerminating(failure) ? undefined : failure;
  }

  async #createPod(replicaSet: Cached): Promise<void> {
    const { metadata, spec } = replicaSet.spec.template;
    const manifest = {
      metadata: {
        namespace: replicaSet.metadata.namespace ?? "",
        generateName: `${replicaSet.metadata.name}-`,
        labels: { ...metadata.labels },
        ...(metadata.annotations ? { annotations: { ...metadata.annotations } } : {}),
        ...(metadata.finalizers ? { finalizers: [...metadata.finalizers] } : {}),
        ownerReferences: [newControllerRef(replicaSet, replicaSets)],
      },
      spec: spec as Pod["spec"],
    };
    try {
      const pod = await this.#deps.client.create(pods, manifest);
      const message = `Created pod: ${pod.metadata.name}`;
      this.#deps.events.event(replicaSet, "Normal", "SuccessfulCreate", message);
    } catch (err) {
      if (!isNamespaceTerminating(err)) {
        const message = `Error creating: ${messageOf(err)}`;
        this.#deps.events.event(replicaSet, "Warning", "FailedCreate", message);
      }
      throw err;
    }
  }

  async #remove(key: ObjectKey, replicaSet: Cached, victims: readonly CachedPod[]): Promise<unknown> {
    this.#deps.expectations.expectDeletions(key, victims.map(objectKey));
    const results = await settleBounded(victims, PARALLEL_WRITES, async (pod) => {
      try {
        await this.#deletePod(replicaSet, pod);
      } catch (err) {
        this.#deps.expectations.deletionObserved(key, objectKey(pod));
        if (!isNotFound(err)) throw err;
      }
    });
    return results.find((result) => result.status === "rejected")?.reason;
  }

  async #deletePod(replicaSet: Cached, pod: CachedPod): Promise<void> {
    const { client, events } = this.#deps;
    try {
      await client.delete(pods, pod.metadata, { preconditions: { uid: pod.metadata.uid } });
    } catch (err) {
      if (!isNotFound(err)) {
        events.event(replicaSet, "Warning", "FailedDelete", `Error deleting: ${messageOf(err)}`);
      }
      throw err;
    }
    events.event(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
  }

  async #updateStatus(
    replicaSet: Cached,
    active: readonly CachedPod[],
    terminating: readonly CachedPod[],
    failure: unknown,
  ): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const status = calculateStatus(replicaSet, { active, terminating, failure, nowMs });
    if (sameStatus(replicaSet.status, status)) return;
    const updated = { ...replicaSet, status } as ReplicaSet;
    try {
      const stored = await this.#deps.client.update(replicaSets, updated, { subresource: "status" });
      this.#replicaSets.observe(stored);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }

  #whenNextAvailable(replicaSet: Cached, active: readonly CachedPod[]): ReconcileResult {
    const seconds = replicaSet.spec.minReadySeconds ?? 0;
    if (seconds === 0) return undefined;
    const nowMs = this.#deps.clock.nowMs();
    const waits = active
      .map((pod) => msUntilAvailable(pod, seconds, nowMs))
      .filter((wait): wait is number => wait !== undefined && wait > 0);
    return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
  }
}
