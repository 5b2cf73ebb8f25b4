import type { EnvFromSource, EnvVar } from "../../../machinery/api/core-v1.js";
import {
  type FieldError,
  type FieldPath,
  invalid,
  notSupported,
  required,
} from "../../../machinery/api/field-error.js";
import {
  isConfigMapKey,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
} from "../../../machinery/api/names.js";
import { check } from "./labels.js";

const ENV_FIELD_PATHS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
export const VOLUME_FIELD_PATHS = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const KNOWN_FIELD_PATHS = new Set([
  ...ENV_FIELD_PATHS,
  ...VOLUME_FIELD_PATHS,
  "spec.restartPolicy",
  "status.phase",
]);

export const validateEnv = (variables: readonly EnvVar[] | undefined, at: FieldPath): FieldError[] =>
  (variables ?? []).flatMap((variable, i) => validateVariable(variable, at.index(i)));

function validateVariable(variable: EnvVar, at: FieldPath): FieldError[] {
  const named = variable.name
    ? check(isEnvVarName, variable.name, at.child("name"))
    : [required(at.child("name"))];
  return [...named, ...validateValueFrom(variable, at.child("valueFrom"))];
}

function validateValueFrom({ value, valueFrom }: EnvVar, at: FieldPath): FieldError[] {
  if (!valueFrom) return [];
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, ENV_FIELD_PATHS, at.child("fieldRef")));
  if (resourceFieldRef && !resourceFieldRef.resource)
    errors.push(required(at.child("resourceFieldRef", "resource")));
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, at.child("configMapKeyRef")));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, at.child("secretKeyRef")));
  const count = Object.values(valueFrom).filter((source) => source !== undefined).length;
  if (value) {
    if (count > 0) errors.push(invalid(at, "", "may not be specified when `value` is not empty"));
  } else if (count === 0)
    errors.push(
      invalid(
        at,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  else if (count > 1) errors.push(invalid(at, "", "may not have more than one field specified at a time"));
  return errors;
}

function validateKeyRef(ref: { name?: string; key?: string }, at: FieldPath): FieldError[] {
  const errors = check(isDns1123Subdomain, ref.name ?? "", at.child("name"));
  if (!ref.key) return [...errors, required(at.child("key"))];
  return [...errors, ...check(isConfigMapKey, ref.key, at.child("key"))];
}

/** Upstream: validateObjectFieldSelector. */
export function validateFieldRef(
  ref: { apiVersion?: string; fieldPath?: string },
  supported: readonly string[],
  at: FieldPath,
): FieldError[] {
  if (!ref.apiVersion) return [required(at.child("apiVersion"))];
  if (!ref.fieldPath) return [required(at.child("fieldPath"))];
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(ref.fieldPath);
  if (subscript) return check(isQualifiedName, (subscript[2] ?? "").toLowerCase(), at);
  if (!KNOWN_FIELD_PATHS.has(ref.fieldPath))
    return [
      invalid(
        at.child("fieldPath"),
        ref.fieldPath,
        `error converting fieldPath: field label not supported: ${ref.fieldPath}`,
      ),
    ];
  return supported.includes(ref.fieldPath)
    ? []
    : [notSupported(at.child("fieldPath"), ref.fieldPath, supported)];
}

export const validateEnvFrom = (sources: readonly EnvFromSource[] | undefined, at: FieldPath): FieldError[] =>
  (sources ?? []).flatMap((source, i) => validateEnvSource(source, at.index(i)));

function validateEnvSource({ prefix, configMapRef, secretRef }: EnvFromSource, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (prefix) errors.push(...check(isEnvVarName, prefix, at.child("prefix")));
  if (configMapRef && !configMapRef.name) errors.push(required(at.child("configMapRef", "name")));
  if (secretRef && !secretRef.name) errors.push(required(at.child("secretRef", "name")));
  if (!configMapRef && !secretRef)
    errors.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
  if (configMapRef && secretRef)
    errors.push(invalid(at, "", "may not have more than one field specified at a time"));
  return errors;
}
