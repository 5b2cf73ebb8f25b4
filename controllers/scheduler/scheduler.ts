import { namespaces, nodes, type Pod, pods } from "../../machinery/api/core-v1.js";
import { type Timer, toTime } from "../../machinery/api/clock.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isConflict, isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import type { Controller, ControllerDeps, RunningController } from "../controller.js";
import type { ControllerStats } from "../workers.js";
import { messageOf } from "../error-message.js";
import { type CachedPod, isPodFinished, podCondition } from "../pod-state.js";
import { ClusterState } from "./cluster-state.js";
import { concernsOfNodeChange, concernsOfPodGone } from "./concerns.js";
import type { FilterContext } from "./filter.js";
import type { CachedNode } from "./node-state.js";
import { SchedulingQueue } from "./scheduling-queue.js";
import { type Cursor, selectNode } from "./select-node.js";

const SCHEDULER_NAME = "default-scheduler";
/** Bindings under way at once; the loop waits for one of them rather than run ahead of the server. */
const PARALLEL_BINDS = 64;
/**
 * Nodes get ready together, as when a cluster starts. Pods that wait for one are tried when all of them are known: the
 * first to be announced would get every pod.
 */
const NODES_SETTLE_MS = 5;

/** Upstream it is a program of its own; here it runs beside the controllers. */
export const schedulerController: Controller = {
  name: "scheduler",
  component: SCHEDULER_NAME,
  create: (deps) => new Scheduler(deps),
};

class Scheduler implements RunningController {
  readonly #deps: ControllerDeps;
  readonly #pods: Informer<Pod>;
  readonly #state = new ClusterState();
  readonly #queue: SchedulingQueue;
  readonly #context: FilterContext;
  readonly #cursor: Cursor = { next: 0 };
  readonly #binding = new Set<Promise<void>>();
  readonly #settling = new Set<Timer>();
  readonly #stats = { reconciles: 0, failures: 0, busySeconds: 0 };

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#queue = new SchedulingQueue(deps.clock);
    this.#pods = deps.informer(pods);
    const namespaceCache = deps.informer(namespaces);
    this.#context = {
      state: this.#state,
      namespaceLabels: (name) => namespaceCache.get(name)?.metadata.labels,
    };
    deps.informer(nodes).onChange({
      added: (node) => this.#nodeChanged(undefined, node),
      updated: (old, node) => this.#nodeChanged(old, node),
      deleted: (node) => this.#state.removeNode(node.metadata.name),
    });
    this.#pods.onChange({
      added: (pod) => this.#podChanged(undefined, pod),
      updated: (old, pod) => this.#podChanged(old, pod),
      deleted: (pod) => this.#podGone(pod),
    });
  }

  /** One pod at a time is given a node; bindings go on beside it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pod = await this.#queue.pop(signal);
      if (!pod) break;
      const open = this.#deps.pace.mayWork(signal);
      if (open) {
        await open;
        if (signal.aborted) break;
      }
      const startedMs = this.#deps.clock.monotonicMs();
      this.#scheduleOne(pod, signal);
      this.#stats.reconciles++;
      this.#stats.busySeconds += (this.#deps.clock.monotonicMs() - startedMs) / 1000;
      while (this.#binding.size >= PARALLEL_BINDS) await Promise.race(this.#binding);
    }
    for (const timer of this.#settling) timer.cancel();
    this.#queue.close();
    await Promise.all(this.#binding);
  }

  stats(): ControllerStats {
    return { depth: this.#queue.activeCount, ...this.#stats };
  }

  #scheduleOne(pod: CachedPod, signal: AbortSignal): void {
    const key = objectKey(pod);
    const selection = selectNode(pod, this.#context, this.#cursor, this.#deps.rng);
    let work: Promise<void>;
    if (selection.kind === "fits") {
      // Counted as placed before the server knows, so that the next pod sees the room it takes.
      this.#state.setPod(pod, selection.nodeName);
      work = this.#bind(pod, selection.nodeName, signal);
    } else {
      this.#queue.failUnschedulable(key, selection.rejectedBy);
      this.#stats.failures++;
      work = this.#reportUnschedulable(pod, selection.message);
    }
    const tracked = work.finally(() => this.#binding.delete(tracked));
    this.#binding.add(tracked);
  }

  async #bind(pod: CachedPod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { client, events, logger } = this.#deps;
    const { name, namespace = "", uid } = pod.metadata;
    const key = objectKey(pod);
    try {
      await client.createSubresource(pods, { namespace, name }, "binding", {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, namespace, uid },
        target: { kind: "Node", name: nodeName },
      });
      this.#queue.delete(key);
      events.event(pod, "Normal", "Scheduled", `Successfully assigned ${key} to ${nodeName}`);
    } catch (err) {
      if (signal.aborted) return;
      this.#forgetPlacement(key);
      // Gone, or somebody else gave it a node: the cache will say so.
      if (isNotFound(err) || isConflict(err)) return this.#queue.delete(key);
      logger.warn("Binding failed", { pod: key, node: nodeName, err });
      events.event(pod, "Warning", "FailedScheduling", `binding rejected: ${messageOf(err)}`);
      this.#queue.failError(key);
    }
  }

  /** Undoes what `#scheduleOne` assumed, unless the cache has confirmed it meanwhile. */
  #forgetPlacement(key: ObjectKey): void {
    const cached = this.#pods.get(key);
    if (!cached?.spec.nodeName) this.#state.removePod(key);
  }

  async #reportUnschedulable(pod: CachedPod, message: string): Promise<void> {
    const { client, events, logger, clock } = this.#deps;
    events.event(pod, "Warning", "FailedScheduling", message);
    const current = podCondition(pod, "PodScheduled");
    if (current?.status === "False" && current.message === message) return;
    const sameStatus = current?.status === "False";
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: sameStatus ? (current.lastTransitionTime ?? null) : toTime(clock.nowMs()),
    };
    try {
      const body = { status: { conditions: [condition] } };
      const patch = { type: "strategic", body } as const;
      this.#pods.observe(await client.patch(pods, pod.metadata, patch, { subresource: "status" }));
    } catch (err) {
      if (!isNotFound(err)) logger.debug("Could not report an unschedulable pod", { err });
    }
  }

  #nodeChanged(old: CachedNode | undefined, node: CachedNode): void {
    this.#state.setNode(node);
    const concerns = concernsOfNodeChange(old, node);
    if (concerns !== "all" && concerns.length === 0) return;
    const timer = this.#deps.clock.setTimer(NODES_SETTLE_MS, () => {
      this.#settling.delete(timer);
      this.#queue.clusterChanged(concerns);
    });
    this.#settling.add(timer);
  }

  #podChanged(old: CachedPod | undefined, pod: CachedPod): void {
    const key = objectKey(pod);
    if (pod.spec.nodeName) {
      this.#queue.delete(key);
      this.#state.setPod(pod, pod.spec.nodeName);
      if (!old?.spec.nodeName) this.#queue.clusterChanged(["InterPodAffinity", "PodTopologySpread"]);
      else if (isPodFinished(pod) && !isPodFinished(old)) this.#queue.clusterChanged(concernsOfPodGone);
      return;
    }
    if (!isOurs(pod)) return this.#queue.delete(key);
    // Assumed on a node, waiting for the server to confirm.
    if (this.#state.has(key)) return;
    this.#queue.set(pod, old !== undefined && specOrLabelsChanged(old, pod));
  }

  #podGone(pod: CachedPod): void {
    const key = objectKey(pod);
    this.#queue.delete(key);
    if (!this.#state.has(key)) return;
    this.#state.removePod(key);
    this.#queue.clusterChanged(concernsOfPodGone);
  }
}

const isOurs = ({ metadata, spec, status }: CachedPod): boolean =>
  (spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME &&
  metadata.deletionTimestamp === undefined &&
  !spec.schedulingGates?.length &&
  status.phase !== "Succeeded" &&
  status.phase !== "Failed";

const specOrLabelsChanged = (old: CachedPod, pod: CachedPod): boolean =>
  JSON.stringify([old.spec, old.metadata.labels]) !== JSON.stringify([pod.spec, pod.metadata.labels]);
