import type { Pod } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden } from "../../../machinery/api/field-error.js";
import { isQualifiedName } from "../../../machinery/api/names.js";
import { immutable } from "../validation/fields.js";
import { check } from "../validation/labels.js";
import { validateImageSpacing } from "../validation/containers.js";
import { validatePodSpec } from "../validation/pod-spec.js";

export function validatePod(pod: Pod): FieldError[] {
  const at = field("spec");
  return [
    ...validatePodSpec(pod.spec, at, true),
    ...(["containers", "initContainers"] as const).flatMap((list) =>
      (pod.spec[list] ?? []).flatMap((container, i) =>
        validateImageSpacing(container.image, at.child(list).index(i).child("image")),
      ),
    ),
  ];
}

const SYSTEM_CONDITIONS = ["PodScheduled", "Ready", "Initialized"];

/** Upstream: ValidatePodStatusUpdate, the parts that guard against a confused kubelet. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { type }] of (pod.status.conditions ?? []).entries())
    if (!SYSTEM_CONDITIONS.includes(type))
      errors.push(
        ...check(isQualifiedName, type ?? "", field("metadata", "conditions").index(i).child("Type")),
      );
  const at = field("status");
  if (pod.spec.nodeName !== old.spec.nodeName)
    errors.push(forbidden(at.child("nodeName"), "may not be changed directly"));
  errors.push(...immutable(pod.status.qosClass, old.status.qosClass, at.child("qosClass")));
  errors.push(...validateTransitions(pod, old));
  return errors;
}

/** A container that will not be restarted does not run again. */
function validateTransitions(pod: Pod, old: Pod): FieldError[] {
  const { restartPolicy, initContainers = [], containers } = old.spec;
  if (restartPolicy === "Always") return [];
  const restartable = new Set(
    [...initContainers, ...containers].filter((container) => container.restartPolicy).map(({ name }) => name),
  );
  return (["containerStatuses", "initContainerStatuses"] as const).flatMap((list) =>
    (old.status[list] ?? []).flatMap((before, i) => {
      const ended = before.state?.terminated;
      if (!ended || restartable.has(before.name)) return [];
      if (ended.exitCode !== 0 && restartPolicy === "OnFailure") return [];
      const now = pod.status[list]?.find((status) => status.name === before.name);
      return now && !now.state?.terminated
        ? [
            forbidden(
              field("status", list).index(i).child("state"),
              "may not be transitioned to non-terminated state",
            ),
          ]
        : [];
    }),
  );
}
