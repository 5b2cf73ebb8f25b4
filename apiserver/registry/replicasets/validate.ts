import type { ReplicaSet } from "../../../machinery/api/apps-v1.js";
import { type FieldError, field, invalid } from "../../../machinery/api/field-error.js";
import { immutable, nonnegative } from "../validation/fields.js";
import { validateWorkloadTemplate } from "../validation/workload.js";

const at = field("spec");

// Upstream: pkg/apis/apps/validation ValidateReplicaSetSpec.
export const validateReplicaSet = ({ spec }: ReplicaSet): FieldError[] => [
  ...nonnegative(spec.replicas, at.child("replicas")),
  ...nonnegative(spec.minReadySeconds, at.child("minReadySeconds")),
  ...validateWorkloadTemplate(spec, at),
];

export const validateReplicaSetUpdate = (replicaSet: ReplicaSet, old: ReplicaSet): FieldError[] => [
  ...validateReplicaSet(replicaSet),
  ...immutable(replicaSet.spec.selector, old.spec.selector, at.child("selector")),
];

export function validateReplicaSetStatus({ status }: ReplicaSet): FieldError[] {
  const path = field("status");
  const counts = [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
  ] as const;
  const errors = counts.flatMap((name) => nonnegative(status[name], path.child(name)));
  const { replicas, readyReplicas = 0, availableReplicas = 0, fullyLabeledReplicas = 0 } = status;
  if (fullyLabeledReplicas > replicas)
    errors.push(
      invalid(
        path.child("fullyLabeledReplicas"),
        fullyLabeledReplicas,
        "cannot be greater than status.replicas",
      ),
    );
  if (readyReplicas > replicas)
    errors.push(
      invalid(path.child("readyReplicas"), readyReplicas, "cannot be greater than status.replicas"),
    );
  if (availableReplicas > replicas)
    errors.push(
      invalid(path.child("availableReplicas"), availableReplicas, "cannot be greater than status.replicas"),
    );
  if (availableReplicas > readyReplicas)
    errors.push(
      invalid(path.child("availableReplicas"), availableReplicas, "cannot be greater than readyReplicas"),
    );
  return errors;
}
