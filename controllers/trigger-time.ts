import { toTime } from "../machinery/api/clock.js";
import type { ObjectKey } from "../machinery/api/resource.js";
import { PerPod } from "./per-pod.js";
import { type CachedPod, podCondition } from "./pod-state.js";
import type { CachedService } from "./service-pods.js";

interface Seen {
  serviceMs: number;
  podMs: Map<ObjectKey, number>;
}

// Upstream: staging/src/k8s.io/endpointslice/trigger_time_tracker.go.
/** Tells which change, since the last call, an update of endpoints answers: the base of programming latency. */
export class TriggerTimes {
  readonly #seen = new Map<ObjectKey, Seen>();
  readonly #readyMs = new PerPod<number>();

  /** Earliest of the changes since the last call for this service; undefined when nothing that carries a time changed. */
  compute(key: ObjectKey, service: CachedService, pods: readonly CachedPod[]): string | undefined {
    const last = this.#seen.get(key);
    const next: Seen = { serviceMs: Date.parse(service.metadata.creationTimestamp), podMs: new Map() };
    const changes: number[] = [];
    for (const pod of pods) {
      const readyMs = this.#readyMs.get(pod, this, undefined, () => readySinceMs(pod));
      if (readyMs === 0) continue;
      next.podMs.set(pod.metadata.name, readyMs);
      if (readyMs > (last?.podMs.get(pod.metadata.name) ?? 0)) changes.push(readyMs);
    }
    if (next.serviceMs > (last?.serviceMs ?? 0)) changes.push(next.serviceMs);
    this.#seen.set(key, next);
    return changes.length === 0 ? undefined : toTime(Math.min(...changes));
  }

  forget(key: ObjectKey): void {
    this.#seen.delete(key);
  }
}

/** When its readiness last changed; 0 when it never did. */
const readySinceMs = (pod: CachedPod): number =>
  Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? "") || 0;
