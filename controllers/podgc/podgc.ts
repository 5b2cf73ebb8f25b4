import { toTime } from "../../machinery/api/clock.js";
import { nodes, type Pod, pods } from "../../machinery/api/core-v1.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { Informer } from "../../machinery/client/informer.js";
import type { Controller, ControllerDeps, RunningController } from "../controller.js";
import { type CachedPod, isPodFinished } from "../pod-state.js";
import type { ControllerStats } from "../workers.js";

const PERIOD_MS = 20_000;
/** A node must be missing this long before its pods count as orphaned. */
const QUARANTINE_MS = 40_000;
/** --terminated-pod-gc-threshold. */
const TERMINATED_KEPT = 12_500;

/** Removes pods that nobody else will: of nodes that are gone, never scheduled but deleted, finished in great number. */
export const podGcController: Controller = {
  name: "podgc",
  component: "pod-garbage-collector",
  create: (deps) => new PodGc(deps),
};

class PodGc implements RunningController {
  readonly #deps: ControllerDeps;
  readonly #pods: Informer<Pod>;
  readonly #missingSince = new Map<string, number>();
  readonly #stats = { depth: 0, reconciles: 0, failures: 0, busySeconds: 0 };

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#pods = deps.informer(pods);
    deps.informer(nodes);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(PERIOD_MS, signal).catch(() => {});
      const open = this.#deps.pace.mayWork(signal);
      if (open) await open;
      if (!signal.aborted) await this.#collect();
    }
  }

  stats(): ControllerStats {
    return this.#stats;
  }

  async #collect(): Promise<void> {
    this.#stats.reconciles++;
    const all = this.#pods.list();
    const gone = await this.#goneNodes(all);
    for (const pod of all) {
      if (gone.has(pod.spec.nodeName ?? "")) await this.#remove(pod, "node no longer exists");
      else if (!pod.spec.nodeName && pod.metadata.deletionTimestamp) await this.#remove(pod, undefined);
    }
    for (const pod of excessFinished(all)) await this.#remove(pod, undefined);
  }

  /** Nodes that pods name and that have been missing for the quarantine, in the cache and at the server. */
  async #goneNodes(all: readonly CachedPod[]): Promise<Set<string>> {
    const { clock, client } = this.#deps;
    const cache = this.#deps.informer(nodes);
    const missing = new Set(
      all.flatMap(({ spec }) => (spec.nodeName && !cache.get(spec.nodeName) ? spec.nodeName : [])),
    );
    for (const name of this.#missingSince.keys()) if (!missing.has(name)) this.#missingSince.delete(name);
    const gone = new Set<string>();
    for (const name of missing) {
      const since = this.#missingSince.get(name) ?? clock.monotonicMs();
      this.#missingSince.set(name, since);
      if (clock.monotonicMs() - since < QUARANTINE_MS) continue;
      const exists = await client.get(nodes, { name }).then(
        () => true,
        (err: unknown) => !isNotFound(err),
      );
      if (!exists) gone.add(name);
    }
    return gone;
  }

  /** At once, whatever its grace period: nobody is there to end it in order. */
  async #remove(pod: CachedPod, because: string | undefined): Promise<void> {
    const { client, logger, clock } = this.#deps;
    const key: ObjectKey = objectKey(pod);
    try {
      if (because && !isPodFinished(pod)) {
        const condition = {
          type: "DisruptionTarget",
          status: "True",
          reason: "DeletionByPodGC",
          message: `PodGC: ${because}`,
          lastTransitionTime: toTime(clock.nowMs()),
        };
        const body = { status: { phase: "Failed", conditions: [condition] } };
        await client.patch(pods, pod.metadata, { type: "strategic", body }, { subresource: "status" });
      }
      await client.delete(pods, pod.metadata, {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      });
      logger.info("Removed pod", { pod: key, because });
    } catch (err) {
      if (isNotFound(err)) return;
      this.#stats.failures++;
      logger.warn("Could not remove a pod", { pod: key, err });
    }
  }
}

/** The oldest finished pods beyond the number kept. */
function excessFinished(all: readonly CachedPod[]): CachedPod[] {
  const finished = all.filter(isPodFinished);
  if (finished.length <= TERMINATED_KEPT) return [];
  const created = ({ metadata }: CachedPod): number => Date.parse(metadata.creationTimestamp);
  return finished.sort((a, b) => created(a) - created(b)).slice(0, finished.length - TERMINATED_KEPT);
}
