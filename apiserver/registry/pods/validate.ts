import type { Pod } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, forbidden, required } from "../../../machinery/api/field-error.js";
import { validatePodSpec } from "../validation/pod-spec.js";

export function validatePod(pod: Pod): FieldError[] {
  return validatePodSpec(pod.spec, field("spec"));
}

/** Upstream: ValidatePodStatusUpdate, the parts that guard against a confused kubelet. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (pod.spec.nodeName !== old.spec.nodeName)
    errors.push(forbidden(field("status", "nodeName"), "may not be changed directly"));
  const at = field("status", "conditions");
  for (const [i, condition] of (pod.status.conditions ?? []).entries())
    if (!condition.type) errors.push(required(at.index(i).child("type")));
  return errors;
}
