import type { Node } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { readPrefix } from "../../../machinery/api/ip-address.js";
import { isLabelValue, isQualifiedName } from "../../../machinery/api/names.js";
import { semanticEqual } from "../semantic-equal.js";
import { validateLegacyCidr } from "../validation/ip.js";
import { check } from "../validation/labels.js";

const spec = field("spec");
const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export const validateNode = (node: Node): FieldError[] => [
  ...validateTaints(node),
  ...validatePodCidrs(node.spec.podCIDRs ?? []),
];

function validatePodCidrs(cidrs: readonly string[]): FieldError[] {
  const at = spec.child("podCIDRs");
  const errors = cidrs.flatMap((cidr, i) => validateLegacyCidr(cidr, at.index(i)));
  const families = new Set(cidrs.map((cidr) => readPrefix(cidr)?.family));
  if (cidrs.length > 1 && (cidrs.length > 2 || families.size < 2))
    errors.push(invalid(at, cidrs, "may specify no more than one CIDR for each IP family"));
  return errors;
}

function validateTaints(node: Node): FieldError[] {
  const seen = new Set<string>();
  return (node.spec.taints ?? []).flatMap((taint, i) => {
    // Upstream names the path of the annotation that taints once were.
    const at = field("metadata", "taints").index(i);
    const errors = check(isQualifiedName, taint.key ?? "", at.child("key"));
    const messages = isLabelValue(taint.value ?? "");
    if (messages.length > 0) errors.push(invalid(at.child("value"), taint.value, messages.join(";")));
    if (!taint.effect) errors.push(required(at.child("effect")));
    else if (!TAINT_EFFECTS.includes(taint.effect))
      errors.push(notSupported(at.child("effect"), taint.effect, TAINT_EFFECTS));
    const identity = `${taint.effect}/${taint.key}`;
    if (seen.has(identity)) {
      const shown = { Key: taint.key, Value: taint.value ?? "", Effect: taint.effect, TimeAdded: null };
      const error = duplicate(at, shown);
      errors.push({ ...error, body: `${error.body}: taints must be unique by key and effect pair` });
    }
    seen.add(identity);
    return errors;
  });
}

/** Upstream: ValidateNodeUpdate. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors = validateNode(node);
  if (old.spec.podCIDRs?.length && !semanticEqual(node.spec.podCIDRs, old.spec.podCIDRs))
    errors.push(
      forbidden(spec.child("podCIDRs"), 'node updates may not change podCIDR except from "" to valid'),
    );
  if (old.spec.providerID && node.spec.providerID !== old.spec.providerID)
    errors.push(
      forbidden(spec.child("providerID"), 'node updates may not change providerID except from "" to valid'),
    );
  return errors;
}
