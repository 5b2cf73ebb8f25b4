import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";

// Upstream: pkg/apis/core/v1/helper/qos ComputePodQOS.
/** How a pod would rank when memory gets short, from cpu and memory requests and limits of all its containers. */
export function qosClassOf(pod: Pod): NonNullable<PodStatus["qosClass"]> {
  if (pod.status.qosClass) return pod.status.qosClass;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of ["cpu", "memory"]) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (limit !== undefined || request !== undefined) any = true;
      if (limit === undefined || request !== limit) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
