import { toTime } from "../../machinery/api/clock.js";
import { type Lease, leases } from "../../machinery/api/coordination-v1.js";
import { type Node, nodes, type Pod, pods } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import type { ObjectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import { settleBounded } from "../bounded.js";
import { defineController, type Reconciler, type ReconcilerDeps } from "../controller.js";
import { indexByNode, podsOnNode } from "../node-pods.js";
import { type CachedPod, isPodReady } from "../pod-state.js";
import type { ReconcileResult } from "../workers.js";
import { hear, isSilent, type LastHeard, silentConditions } from "./health.js";
import { noExecuteKey, planTaints, readyStatus } from "./taints.js";
import { EvictionLimiter } from "./zones.js";

/** --node-monitor-period. */
const MONITOR_PERIOD_MS = 5000;
const PARALLEL_WRITES = 20;

type CachedNode = DeepReadonly<Node>;

/** Notices nodes that fall silent, says so on them and on their pods, and taints them. */
export const nodeLifecycleController = defineController({
  name: "nodelifecycle",
  component: "node-controller",
  for: nodes,
  reconciler: (deps) => new NodeLifecycleReconciler(deps),
});

class NodeLifecycleReconciler implements Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #lastHeard = new Map<ObjectKey, LastHeard>();
  readonly #limiter: EvictionLimiter;
  /** By name: nodes that were welcomed and not yet seen off. */
  readonly #registered = new Map<ObjectKey, CachedNode>();

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#nodes = deps.informer(nodes);
    this.#leases = deps.informer(leases, { namespace: "kube-node-lease" });
    this.#pods = deps.informer(pods);
    this.#limiter = new EvictionLimiter(deps.clock, () => this.#nodes.list());
    indexByNode(this.#pods);
  }

  async reconcile(key: ObjectKey): Promise<ReconcileResult> {
    const node = this.#nodes.get(key);
    if (!node) return this.#forget(key);
    this.#welcome(node);
    try {
      const heard = await this.#checkHealth(node);
      await this.#updateTaints(heard);
      if (readyStatus(heard) !== "True") await this.#markPodsNotReady(heard);
    } catch (err) {
      if (!isNotFound(err)) throw err;
    }
    return { requeueAfterMs: MONITOR_PERIOD_MS };
  }

  #forget(key: ObjectKey): undefined {
    this.#lastHeard.delete(key);
    const known = this.#registered.get(key);
    this.#registered.delete(key);
    if (!known) return undefined;
    const message = `Node ${key} event: Removing Node ${key} from Controller`;
    this.#deps.events.event(known, "Normal", "RemovingNode", message);
    return undefined;
  }

  #welcome(node: CachedNode): void {
    const { uid, name } = node.metadata;
    const known = this.#registered.get(name)?.metadata.uid === uid;
    this.#registered.set(name, node);
    if (known) return;
    const message = `Node ${name} event: Registered Node ${name} in Controller`;
    this.#deps.events.event(node, "Normal", "RegisteredNode", message);
  }

  /** The node as it is after what its silence makes of it. */
  async #checkHealth(node: CachedNode): Promise<CachedNode> {
    const { clock, client, events } = this.#deps;
    const { name } = node.metadata;
    const nowMs = clock.monotonicMs();
    const renewTime = this.#leases.get(`kube-node-lease/${name}`)?.spec.renewTime;
    const heard = hear(this.#lastHeard.get(name), node, renewTime, nowMs);
    this.#lastHeard.set(name, heard);
    if (!isSilent(node, heard, nowMs)) return node;
    const conditions = silentConditions(node, toTime(clock.nowMs()));
    if (!conditions) return node;
    const updated = { ...node, status: { ...node.status, conditions } } as Node;
    const stored = this.#nodes.observe(await client.update(nodes, updated, { subresource: "status" }));
    if (readyStatus(node) === "True") {
      events.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    }
    return stored as CachedNode;
  }

  async #updateTaints(node: CachedNode): Promise<void> {
    const now = toTime(this.#deps.clock.nowMs());
    const taints = planTaints(node, {
      mayEvict: (evicting) => this.#limiter.mayEvict(node, evicting),
      now,
    });
    if (!taints) return;
    const { resourceVersion } = node.metadata;
    const body = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    const patch = { type: "merge", body } as const;
    this.#nodes.observe(await this.#deps.client.patch(nodes, node.metadata, patch));
    if (noExecuteKey(node)) this.#deps.logger.info("Tainted node", { node: node.metadata.name, taints });
  }

  // Upstream: pkg/controller/util/node MarkPodsNotReady.
  async #markPodsNotReady(node: CachedNode): Promise<void> {
    const ready = podsOnNode(this.#pods, node.metadata.name).filter(isPodReady);
    await settleBounded(ready, PARALLEL_WRITES, (pod) => this.#markPodNotReady(pod));
  }

  async #markPodNotReady(pod: CachedPod): Promise<void> {
    const { client, clock, events } = this.#deps;
    const lastTransitionTime = toTime(clock.nowMs());
    const condition = { type: "Ready", status: "False", lastTransitionTime };
    const body = { status: { conditions: [condition] } };
    const patch = { type: "strategic", body } as const;
    this.#pods.observe(await client.patch(pods, pod.metadata, patch, { subresource: "status" }));
    events.event(pod, "Warning", "NodeNotReady", "Node is not ready");
  }
}
