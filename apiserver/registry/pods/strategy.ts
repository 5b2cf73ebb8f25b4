import type { Pod } from "../../../machinery/api/core-v1.js";
import type { Strategy } from "../serve.js";
import { nameWarnings, podSpecWarnings } from "../templates/warnings.js";
import { defaultPod } from "./defaults.js";
import { qosClassOf } from "./qos.js";
import { validatePodUpdate } from "./update-rules.js";
import { validatePod, validatePodStatusUpdate } from "./validate.js";

export const podStrategy: Strategy<Pod> = {
  defaults: defaultPod,
  prepareForCreate(pod) {
    pod.status = { phase: "Pending", qosClass: qosClassOf(pod) };
    if (pod.spec.schedulingGates?.length) pod.status.conditions = [schedulingGated()];
  },
  prepareForUpdate(pod, old) {
    pod.status = old.status;
  },
  validate: (pod) => validatePod(pod),
  validateUpdate: (pod, old) => validatePodUpdate(pod, old),
  warningsOnCreate: (pod) => [
    ...nameWarnings(pod.metadata.name, "the Pod's hostname"),
    ...podSpecWarnings(pod.spec),
  ],
  gracePeriodSeconds: podGracePeriodSeconds,
  returnDeletedObject: true,
};

const schedulingGated = () => ({
  type: "PodScheduled",
  status: "False" as const,
  lastProbeTime: null,
  lastTransitionTime: null,
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
});

/** Upstream: podStrategy.CheckGracefulDelete. A pod that never ran, or runs no more, has nothing to wind down. */
function podGracePeriodSeconds(pod: Pod, requestedSeconds: number | undefined): number {
  if (!pod.spec.nodeName) return 0;
  if (pod.status.phase === "Failed" || pod.status.phase === "Succeeded") return 0;
  const seconds = requestedSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

export const podStatusStrategy: Strategy<Pod> = {
  defaults: defaultPod,
  prepareForUpdate(pod, old) {
    pod.spec = old.spec;
    keepOwners(pod, old);
    pod.status.qosClass ??= old.status.qosClass ?? qosClassOf(old);
  },
  validateUpdate: (pod, old) => validatePodStatusUpdate(pod, old),
};

/** A status write neither marks for deletion nor changes owners. */
function keepOwners(pod: Pod, old: Pod): void {
  if (old.metadata.ownerReferences) pod.metadata.ownerReferences = old.metadata.ownerReferences;
  else delete pod.metadata.ownerReferences;
}
