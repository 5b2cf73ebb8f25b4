import type { PodTemplateSpec } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  type FieldPath,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import { matchesLabels, type Selector, SelectorError, toSelector } from "../../../machinery/api/labels.js";
import type { LabelSelector } from "../../../machinery/api/meta-v1.js";
import { isEmptySelector, validateLabelSelector } from "./labels.js";
import { validatePodTemplate } from "./pod-spec.js";

/** A workload's spec as a client may send it: the selector is required, but by validation. */
interface Workload {
  selector?: LabelSelector;
  template: PodTemplateSpec;
}

/** Selector and template of whatever keeps pods running: they fit each other, and the pods are meant to stay. */
export function validateWorkloadTemplate({ selector, template }: Workload, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const path = at.child("selector");
  if (selector === undefined) errors.push(required(path));
  else {
    errors.push(...validateLabelSelector(selector, path));
    if (isEmptySelector(selector))
      errors.push(invalid(path, selector, "empty selector is invalid for deployment"));
  }
  const parsed = parse(selector);
  return [
    ...errors,
    ...(parsed
      ? validateTemplate(parsed, template, at.child("template"))
      : [invalid(path, selector, "invalid label selector")]),
  ];
}

function parse(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return toSelector(selector);
  } catch (err) {
    if (err instanceof SelectorError) return undefined;
    throw err;
  }
}

/** Upstream: ValidatePodTemplateSpecForReplicaSet. */
function validateTemplate(selector: Selector, template: PodTemplateSpec, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { labels } = template.metadata;
  if ((selector.nothing || selector.requirements.length > 0) && !matchesLabels(selector, labels))
    errors.push(
      invalid(at.child("metadata", "labels"), labels, "`selector` does not match template `labels`"),
    );
  errors.push(...validatePodTemplate(template, at));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== "Always")
    errors.push(notSupported(at.child("spec", "restartPolicy"), restartPolicy, ["Always"]));
  if (activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden(
        at.child("spec", "activeDeadlineSeconds"),
        "activeDeadlineSeconds in ReplicaSet is not Supported",
      ),
    );
  return errors;
}
