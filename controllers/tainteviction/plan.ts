import type { Taint } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import type { CachedPod } from "../pod-state.js";
import { tolerates } from "../taints.js";

// Upstream: pkg/controller/tainteviction/taint_eviction.go processPodOnNode, getMinTolerationTime.
/**
 * When a pod must leave because of its node's NoExecute taints, in Unix milliseconds: at once when it does not tolerate
 * one of them, else when the shortest of its tolerations runs out. Undefined when it may stay.
 */
export function evictionTimeMs(
  pod: CachedPod,
  taints: readonly DeepReadonly<Taint>[],
  nowMs: number,
): number | undefined {
  const noExecute = taints.filter(({ effect }) => effect === "NoExecute");
  let earliest: number | undefined;
  for (const taint of noExecute) {
    const tolerations = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (tolerations.length === 0) return nowMs;
    const since = Date.parse(taint.timeAdded ?? "") || nowMs;
    for (const { tolerationSeconds } of tolerations) {
      if (tolerationSeconds === undefined) continue;
      const due = since + Math.max(0, tolerationSeconds) * 1000;
      earliest = Math.min(earliest ?? due, due);
    }
  }
  return earliest;
}
