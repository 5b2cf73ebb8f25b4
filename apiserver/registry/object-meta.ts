import {
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  required,
  tooLong,
} from "../../machinery/api/field-error.js";
import type { ObjectMeta, OwnerReference } from "../../machinery/api/meta-v1.js";
import {
  isDns1123Subdomain,
  isLabelValue,
  isPathSegmentName,
  isQualifiedName,
} from "../../machinery/api/names.js";

// Rules and messages: apimachinery pkg/api/validation/objectmeta.go and, for finalizers, pkg/apis/core/validation.

export const FOREGROUND_FINALIZER = "foregroundDeletion";
export const ORPHAN_FINALIZER = "orphan";
const STANDARD_FINALIZERS: readonly string[] = [FOREGROUND_FINALIZER, ORPHAN_FINALIZER, "kubernetes"];
const TOTAL_ANNOTATION_BYTES = 256 * 1024;

const at = field("metadata");

export interface MetaRules {
  namespaced: boolean;
  /** What is wrong with a name; undefined leaves it to the rule of most kinds. */
  nameErrors: (name: string) => string[] | undefined;
}

export function validateObjectMeta(
  metadata: ObjectMeta,
  { namespaced, nameErrors }: MetaRules,
): FieldError[] {
  return [
    ...validateNames(metadata, (name) => nameErrors(name) ?? isDns1123Subdomain(name)),
    ...validateNamespace(metadata.namespace, namespaced),
    ...(metadata.generation !== undefined && metadata.generation < 0
      ? [invalid(at.child("generation"), metadata.generation, "must be greater than or equal to 0")]
      : []),
    ...validateLabels(metadata.labels, at.child("labels")),
    ...validateAnnotations(metadata.annotations, at.child("annotations")),
    ...validateOwnerReferences(metadata.ownerReferences ?? [], at.child("ownerReferences")),
    ...validateFinalizers(metadata.finalizers ?? [], at.child("finalizers")),
  ];
}

function validateNames(metadata: ObjectMeta, validateName: (name: string) => string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.generateName) {
    // A prefix may end with a dash that the suffix makes good.
    const probe = metadata.generateName.replace(/-+$/, (dashes) => "a".repeat(dashes.length));
    errors.push(
      ...validateName(probe).map((text) => invalid(at.child("generateName"), metadata.generateName, text)),
    );
  }
  if (!metadata.name) errors.push(required(at.child("name"), "name or generateName is required"));
  else {
    const problems = [...validateName(metadata.name), ...isPathSegmentName(metadata.name)];
    errors.push(...[...new Set(problems)].map((text) => invalid(at.child("name"), metadata.name, text)));
  }
  return errors;
}

function validateNamespace(namespace: string | undefined, namespaced: boolean): FieldError[] {
  if (namespaced) return namespace ? [] : [required(at.child("namespace"))];
  return namespace ? [forbidden(at.child("namespace"), "not allowed on this type")] : [];
}

export function validateLabels(labels: Record<string, string> | undefined, path: FieldPath): FieldError[] {
  if (!labels) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...isQualifiedName(key).map((text) => invalid(path, key, text)),
    ...isLabelValue(value).map((text) => invalid(path, value, text)),
  ]);
}

export function validateAnnotations(
  annotations: Record<string, string> | undefined,
  path: FieldPath,
): FieldError[] {
  if (!annotations) return [];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    errors.push(...isQualifiedName(key.toLowerCase()).map((text) => invalid(path, key, text)));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > TOTAL_ANNOTATION_BYTES) errors.push(tooLong(path, TOTAL_ANNOTATION_BYTES));
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[], path: FieldPath): FieldError[] {
  const errors = references.flatMap((reference, i) => validateOwnerReference(reference, path.index(i)));
  const controllers = references.filter((reference) => reference.controller);
  const [first, second] = controllers;
  if (first && second)
    errors.push(
      invalid(
        path,
        references,
        `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`,
      ),
    );
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: FieldPath): FieldError[] {
  const { apiVersion, kind, name, uid } = reference;
  const parts = { kind, name, uid };
  const errors: FieldError[] = [];
  if (!apiVersion || apiVersion.endsWith("/"))
    errors.push(invalid(path.child("apiVersion"), apiVersion ?? "", "version must not be empty"));
  for (const [key, value] of Object.entries(parts))
    if (!value) errors.push(invalid(path.child(key), "", "must not be empty"));
  if (kind === "Event" && apiVersion === "v1")
    errors.push(invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"));
  return errors;
}

function validateFinalizers(finalizers: readonly string[], path: FieldPath): FieldError[] {
  const errors = finalizers.flatMap((finalizer, i) => [
    ...isQualifiedName(finalizer).map((text) => invalid(path, finalizer, text)),
    ...(finalizer.includes("/") || STANDARD_FINALIZERS.includes(finalizer)
      ? []
      : [
          invalid(
            path.index(i),
            finalizer,
            "name is neither a standard finalizer name nor is it fully qualified",
          ),
        ]),
  ]);
  if (finalizers.includes(ORPHAN_FINALIZER) && finalizers.includes(FOREGROUND_FINALIZER))
    errors.push(
      invalid(
        path,
        finalizers,
        `finalizer ${ORPHAN_FINALIZER} and ${FOREGROUND_FINALIZER} cannot be both set`,
      ),
    );
  return errors;
}

export function validateObjectMetaUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  return [
    ...validateNewFinalizers(metadata, old),
    ...(["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] as const)
      .filter((key) => metadata[key] !== old[key])
      .map((key) => invalid(at.child(key), metadata[key], "field is immutable")),
    ...(metadata.deletionGracePeriodSeconds !== old.deletionGracePeriodSeconds
      ? [
          invalid(
            at.child("deletionGracePeriodSeconds"),
            metadata.deletionGracePeriodSeconds,
            "field is immutable",
          ),
        ]
      : []),
  ];
}

function validateNewFinalizers(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  if (!old.deletionTimestamp) return [];
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
  if (added.length === 0) return [];
  const list = `[]string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
  return [
    forbidden(
      at.child("finalizers"),
      `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
    ),
  ];
}
