import type { PodSpec } from "../../../machinery/api/core-v1.js";
import {
  duplicate,
  type FieldError,
  type FieldPath,
  forbidden,
  notFound,
  required,
} from "../../../machinery/api/field-error.js";
import { validateImageSpacing } from "./containers.js";
import { validateEnv, validateEnvFrom } from "./env.js";
import { checkLabel } from "./labels.js";
import { validateVolumeMounts } from "./volumes.js";

const NOT_ALLOWED = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;

/** Upstream: validateEphemeralContainers. */
export function validateEphemeralContainers(spec: PodSpec, at: FieldPath): FieldError[] {
  const others = [...spec.containers, ...(spec.initContainers ?? [])].map((container) => container.name);
  const names = new Set(others);
  const volumeNames = new Set((spec.volumes ?? []).map((volume) => volume.name));
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const path = at.index(i);
    const errors = container.name
      ? checkLabel(container.name, path.child("name"))
      : [required(path.child("name"))];
    if (!container.image) errors.push(required(path.child("image")));
    errors.push(...validateImageSpacing(container.image, path.child("image")));
    errors.push(...validateEnv(container.env, path.child("env")));
    errors.push(...validateEnvFrom(container.envFrom, path.child("envFrom")));
    errors.push(...validateVolumeMounts(container.volumeMounts, volumeNames, path.child("volumeMounts")));
    if (names.has(container.name)) errors.push(duplicate(path.child("name"), container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.includes(target)) errors.push(notFound(path.child("targetContainerName"), target));
    for (const name of NOT_ALLOWED)
      if (container[name] !== undefined)
        errors.push(forbidden(path.child(name), "cannot be set for an Ephemeral Container"));
    return errors;
  });
}
