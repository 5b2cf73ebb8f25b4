import { toTime } from "../../machinery/api/clock.js";
import { type Node, nodes, type Pod, pods } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { defineController, enqueueMapped, type Reconciler, type ReconcilerDeps } from "../controller.js";
import { indexByNode, podsOnNode } from "../node-pods.js";
import type { CachedPod } from "../pod-state.js";
import type { ReconcileResult } from "../workers.js";
import { evictionTimeMs } from "./plan.js";

/** Deletes pods from nodes whose NoExecute taints they do not, or no longer, tolerate. */
export const taintEvictionController = defineController({
  name: "tainteviction",
  component: "taint-eviction-controller",
  for: pods,
  concerns: (old, pod) =>
    old.spec.nodeName !== pod.spec.nodeName || !deepEqual(old.spec.tolerations, pod.spec.tolerations),
  watches: [
    enqueueMapped(
      nodes,
      (node, deps) => podsOnNode(deps.informer(pods), node.metadata.name).map(objectKey),
      (old, node) => !deepEqual(old.spec.taints, node.spec.taints),
    ),
  ],
  reconciler: (deps) => new TaintEvictionReconciler(deps),
});

class TaintEvictionReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  /** Pods whose deletion has been announced by a pending toleration. */
  readonly #pending = new Set<string>();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#pods = deps.informer(pods);
    this.#nodes = deps.informer(nodes);
    indexByNode(this.#pods);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const pod = this.#pods.get(key);
    if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp) {
      this.#pending.delete(key);
      return undefined;
    }
    const nowMs = this.#deps.clock.nowMs();
    const taints = this.#nodes.get(pod.spec.nodeName)?.spec.taints ?? [];
    const dueMs = evictionTimeMs(pod, taints, nowMs);
    if (dueMs === undefined) return this.#stay(key, pod);
    if (dueMs > nowMs) {
      this.#pending.add(key);
      return { requeueAfterMs: dueMs - nowMs };
    }
    this.#pending.delete(key);
    await this.#evict(key, pod);
    return undefined;
  }

  #stay(key: ObjectKey, pod: CachedPod): undefined {
    if (this.#pending.delete(key)) {
      this.#deps.events.event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
    }
    return undefined;
  }

  async #evict(key: ObjectKey, pod: CachedPod): Promise<void> {
    const { client, clock, events } = this.#deps;
    events.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${key}`);
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      lastTransitionTime: toTime(clock.nowMs()),
    };
    try {
      const body = { status: { conditions: [condition] } };
      await client.patch(pods, pod.metadata, { type: "strategic", body }, { subresource: "status" });
      await client.delete(pods, pod.metadata, { preconditions: { uid: pod.metadata.uid } });
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
  }
}
