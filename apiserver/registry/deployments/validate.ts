import type { Deployment } from "../../../machinery/api/apps-v1.js";
import {
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isPercent, percentOf } from "../../../machinery/api/int-or-string.js";
import type { IntOrString } from "../../../machinery/api/meta-v1.js";
import { immutable, nonnegative } from "../validation/fields.js";
import { validateWorkloadTemplate } from "../validation/workload.js";

const at = field("spec");

/** Upstream: ValidateDeploymentSpec, in its order. */
export function validateDeployment({ spec }: Deployment): FieldError[] {
  const errors = [
    ...nonnegative(spec.replicas, at.child("replicas")),
    ...validateWorkloadTemplate(spec, at),
    ...validateStrategy(spec.strategy, at.child("strategy")),
    ...nonnegative(spec.minReadySeconds, at.child("minReadySeconds")),
    ...nonnegative(spec.revisionHistoryLimit, at.child("revisionHistoryLimit")),
  ];
  const deadline = spec.progressDeadlineSeconds;
  if (deadline === undefined) return errors;
  errors.push(...nonnegative(deadline, at.child("progressDeadlineSeconds")));
  if (deadline <= (spec.minReadySeconds ?? 0))
    errors.push(
      invalid(at.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"),
    );
  return errors;
}

export const validateDeploymentUpdate = (deployment: Deployment, old: Deployment): FieldError[] => [
  ...validateDeployment(deployment),
  ...immutable(deployment.spec.selector, old.spec.selector, at.child("selector")),
];

function validateStrategy(strategy: Deployment["spec"]["strategy"], path: FieldPath): FieldError[] {
  switch (strategy.type) {
    case "Recreate":
      return strategy.rollingUpdate
        ? [forbidden(path.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case "RollingUpdate":
      return strategy.rollingUpdate
        ? validateRollingUpdate(strategy.rollingUpdate, path.child("rollingUpdate"))
        : [required(path.child("rollingUpdate"), "this should be defaulted and never be nil")];
    default:
      return [notSupported(path, strategy, ["Recreate", "RollingUpdate"])];
  }
}

function validateRollingUpdate(
  { maxUnavailable = 0, maxSurge = 0 }: { maxUnavailable?: IntOrString; maxSurge?: IntOrString },
  path: FieldPath,
): FieldError[] {
  const errors = [
    ...validatePositive(maxUnavailable, path.child("maxUnavailable")),
    ...validatePositive(maxSurge, path.child("maxSurge")),
  ];
  if (count(maxUnavailable) === 0 && count(maxSurge) === 0)
    errors.push(invalid(path.child("maxUnavailable"), maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  if ((percentOf(maxUnavailable) ?? 0) > 100)
    errors.push(invalid(path.child("maxUnavailable"), maxUnavailable, "must not be greater than 100%"));
  return errors;
}

const count = (value: IntOrString): number => (typeof value === "number" ? value : (percentOf(value) ?? 0));

const PERCENT_MESSAGE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
const validatePositive = (value: IntOrString, path: FieldPath): FieldError[] => {
  if (typeof value === "number") return nonnegative(value, path);
  return isPercent(value) ? [] : [invalid(path, value, PERCENT_MESSAGE)];
};

/** Upstream: ValidateDeploymentStatus. */
export function validateDeploymentStatus({ status }: Deployment, old: Deployment): FieldError[] {
  const path = field("status");
  const counts = [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
  ] as const;
  const errors = counts.flatMap((name) => nonnegative(status[name], path.child(name)));
  const { replicas = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const beyond = (name: string, value: number, limit: number, limitName: string): void => {
    if (value > limit) errors.push(invalid(path.child(name), value, `cannot be greater than ${limitName}`));
  };
  beyond("updatedReplicas", updatedReplicas, replicas, "status.replicas");
  beyond("readyReplicas", readyReplicas, replicas, "status.replicas");
  beyond("availableReplicas", availableReplicas, replicas, "status.replicas");
  beyond("availableReplicas", availableReplicas, readyReplicas, "readyReplicas");
  const collisions = status.collisionCount ?? 0;
  if (collisions < (old.status.collisionCount ?? 0))
    errors.push(invalid(path.child("collisionCount"), collisions, "cannot be decremented"));
  return errors;
}
