import type {
  Affinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { isLabelValue, isQualifiedName } from "../../../machinery/api/names.js";
import { check, validateLabelSelector } from "./labels.js";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export const validateTolerations = (
  tolerations: readonly Toleration[] | undefined,
  at: FieldPath,
): FieldError[] =>
  (tolerations ?? []).flatMap((toleration, i) => validateToleration(toleration, at.index(i)));

function validateToleration(toleration: Toleration, at: FieldPath): FieldError[] {
  const { key, operator = "Equal", value = "", effect, tolerationSeconds } = toleration;
  const errors: FieldError[] = [];
  if (key) errors.push(...check(isQualifiedName, key, at.child("key")));
  else if (operator !== "Exists")
    errors.push(
      invalid(
        at.child("operator"),
        toleration.operator ?? "",
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  if (tolerationSeconds !== undefined && effect !== "NoExecute")
    errors.push(
      invalid(at.child("effect"), effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  if (operator === "Exists") {
    if (value !== "")
      errors.push(
        invalid(at.child("operator"), toleration, "value must be empty when `operator` is 'Exists'"),
      );
  } else if (operator === "Equal") {
    const messages = isLabelValue(value);
    if (messages.length > 0) errors.push(invalid(at.child("operator"), value, messages.join(";")));
  } else errors.push(notSupported(at.child("operator"), operator, ["Equal", "Exists"]));
  if (effect && !EFFECTS.includes(effect)) errors.push(notSupported(at.child("effect"), effect, EFFECTS));
  return errors;
}

export function validateAffinity(affinity: Affinity | undefined, at: FieldPath): FieldError[] {
  if (!affinity) return [];
  return [
    ...validateNodeAffinity(affinity.nodeAffinity, at.child("nodeAffinity")),
    ...validatePodAffinity(affinity.podAffinity, at.child("podAffinity")),
    ...validatePodAffinity(affinity.podAntiAffinity, at.child("podAntiAffinity")),
  ];
}

function validateNodeAffinity(affinity: Affinity["nodeAffinity"], at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const needed = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed) {
    const path = at.child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
    if (!needed.nodeSelectorTerms?.length)
      errors.push(required(path, "must have at least one node selector term"));
    needed.nodeSelectorTerms?.forEach((term, i) => errors.push(...validateTerm(term, path.index(i))));
  }
  affinity?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ weight, preference }, i) => {
    const path = at.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
    errors.push(...validateWeight(weight, path), ...validateTerm(preference ?? {}, path.child("preference")));
  });
  return errors;
}

const validateWeight = (weight: number, at: FieldPath): FieldError[] =>
  weight >= 1 && weight <= 100
    ? []
    : [invalid(at.child("weight"), weight ?? 0, "must be in the range 1-100")];

const validateTerm = (term: NodeSelectorTerm, at: FieldPath): FieldError[] => [
  ...(term.matchExpressions ?? []).flatMap((requirement, i) =>
    validateNodeRequirement(requirement, at.child("matchExpressions").index(i)),
  ),
  ...(term.matchFields ?? []).flatMap((requirement, i) =>
    validateNodeRequirement(requirement, at.child("matchFields").index(i)),
  ),
];

function validateNodeRequirement(requirement: NodeSelectorRequirement, at: FieldPath): FieldError[] {
  const { key, operator, values = [] } = requirement;
  const errors: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0)
        errors.push(required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        errors.push(
          forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1)
        errors.push(
          required(at.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"),
        );
      break;
    default:
      errors.push(invalid(at.child("operator"), operator, "not a valid selector operator"));
  }
  return [...errors, ...check(isQualifiedName, key ?? "", at.child("key"))];
}

function validatePodAffinity(affinity: PodAffinity | undefined, at: FieldPath): FieldError[] {
  return [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, i) =>
      validatePodAffinityTerm(term, at.child("requiredDuringSchedulingIgnoredDuringExecution").index(i)),
    ),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((weighted, i) => {
      const path = at.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
      return [
        ...validateWeight(weighted.weight, path),
        ...validatePodAffinityTerm(weighted.podAffinityTerm ?? {}, path.child("podAffinityTerm")),
      ];
    }),
  ];
}

function validatePodAffinityTerm(term: Partial<PodAffinityTerm>, at: FieldPath): FieldError[] {
  const errors = validateLabelSelector(term.labelSelector, at.child("labelSelector"));
  errors.push(...validateLabelSelector(term.namespaceSelector, at.child("namespaceSelector")));
  if (!term.topologyKey) errors.push(required(at.child("topologyKey"), "can not be empty"));
  errors.push(...check(isQualifiedName, term.topologyKey ?? "", at.child("topologyKey")));
  return errors;
}

const WHEN_UNSATISFIABLE = ["DoNotSchedule", "ScheduleAnyway"];

export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  at: FieldPath,
): FieldError[] {
  const pairs = new Set<string>();
  return (constraints ?? []).flatMap((constraint, i) => {
    const path = at.index(i);
    const { maxSkew, topologyKey, whenUnsatisfiable } = constraint;
    const errors: FieldError[] = [];
    if (!(maxSkew > 0))
      errors.push(invalid(path.child("maxSkew"), maxSkew ?? 0, "must be greater than zero"));
    if (!topologyKey) errors.push(required(path.child("topologyKey"), "can not be empty"));
    if (!WHEN_UNSATISFIABLE.includes(whenUnsatisfiable))
      errors.push(notSupported(path.child("whenUnsatisfiable"), whenUnsatisfiable, WHEN_UNSATISFIABLE));
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (pairs.has(pair)) errors.push(duplicate(path.child("{topologyKey, whenUnsatisfiable}"), pair));
    pairs.add(pair);
    return [...errors, ...validateLabelSelector(constraint.labelSelector, path.child("labelSelector"))];
  });
}
