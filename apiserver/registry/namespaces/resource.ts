import { type Namespace, namespaces } from "../../../machinery/api/core-v1.js";
import { type FieldError, field, invalid } from "../../../machinery/api/field-error.js";
import { isDns1123Label, isQualifiedName } from "../../../machinery/api/names.js";
import { ageColumn, ageOf, nameColumn, textColumn } from "../printing.js";
import { type Strategy, serve } from "../serve.js";

const NAME_LABEL = "kubernetes.io/metadata.name";

function defaultNamespace(namespace: Namespace): void {
  namespace.spec ??= {};
  namespace.status ??= { phase: "Active" };
  labelWithName(namespace);
}

function labelWithName({ metadata }: Namespace): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
}

const strategy: Strategy<Namespace> = {
  defaults: defaultNamespace,
  prepareForCreate(namespace) {
    delete namespace.metadata.generation;
    namespace.status = { phase: "Active" };
    const finalizers = namespace.spec.finalizers ?? [];
    if (!finalizers.includes("kubernetes")) namespace.spec.finalizers = [...finalizers, "kubernetes"];
  },
  prepareForUpdate(namespace, old) {
    namespace.spec = old.spec;
    namespace.status = old.status;
  },
  validate: validateFinalizers,
  validateName: isDns1123Label,
  canonicalize: labelWithName,
  holdsDeletion: (namespace) => (namespace.spec.finalizers?.length ?? 0) > 0,
  prepareForDelete(namespace) {
    namespace.status.phase = "Terminating";
  },
  returnDeletedObject: true,
};

function validateFinalizers(namespace: Namespace): FieldError[] {
  const at = field("spec", "finalizers");
  return (namespace.spec.finalizers ?? []).flatMap((finalizer) => [
    ...isQualifiedName(finalizer).map((message) => invalid(at, finalizer, message)),
    ...(finalizer.includes("/") || finalizer === "kubernetes"
      ? []
      : [invalid(at, finalizer, "name is neither a standard finalizer name nor is it fully qualified")]),
  ]);
}

const statusStrategy: Strategy<Namespace> = {
  prepareForUpdate(namespace, old) {
    namespace.spec = old.spec;
  },
  validateUpdate(namespace) {
    const at = field("status", "phase");
    const { phase } = namespace.status;
    if (namespace.metadata.deletionTimestamp === undefined)
      return phase === "Active"
        ? []
        : [invalid(at, phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    return phase === "Terminating"
      ? []
      : [invalid(at, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  },
};

const finalizeStrategy: Strategy<Namespace> = {
  prepareForUpdate(namespace, old) {
    namespace.status = old.status;
  },
  validateUpdate: validateFinalizers,
};

export const namespaceResource = serve(namespaces, {
  strategy,
  columns: [nameColumn, textColumn("Status", "The status of the namespace"), ageColumn],
  row: (namespace, nowMs) => [namespace.metadata.name, namespace.status.phase, ageOf(namespace, nowMs)],
  selectableFields: ["status.phase"],
  fieldsOf: (namespace) => ({ "status.phase": namespace.status.phase }),
  subresources: {
    status: { kind: "view", strategy: statusStrategy, verbs: ["get", "patch", "update"] },
    finalize: { kind: "view", strategy: finalizeStrategy, verbs: ["update"] },
  },
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
});
