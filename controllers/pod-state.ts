import type { Pod, PodCondition } from "../machinery/api/core-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";

export type CachedPod = DeepReadonly<Pod>;

export const podCondition = (pod: CachedPod, type: string): DeepReadonly<PodCondition> | undefined =>
  pod.status.conditions?.find((condition) => condition.type === type);

export const isPodReady = (pod: CachedPod): boolean => podCondition(pod, "Ready")?.status === "True";

export const isPodFinished = (pod: CachedPod): boolean =>
  pod.status.phase === "Succeeded" || pod.status.phase === "Failed";

/** Neither finished nor on its way out (controller_utils IsPodActive). */
export const isPodActive = (pod: CachedPod): boolean =>
  !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined;

/** Ready for at least `minReadySeconds`. */
export const isPodAvailable = (pod: CachedPod, minReadySeconds: number, nowMs: number): boolean =>
  msUntilAvailable(pod, minReadySeconds, nowMs) === 0;

/** 0 when available already; undefined when it is not ready. */
export function msUntilAvailable(pod: CachedPod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds <= 0) return 0;
  const since = Date.parse(ready.lastTransitionTime ?? "");
  if (Number.isNaN(since)) return undefined;
  return Math.max(0, since + minReadySeconds * 1000 - nowMs);
}
