import { field, invalid, newInvalid, notSupported } from "../../machinery/api/field-error.js";
import type { DeleteOptions, KubeObject } from "../../machinery/api/meta-v1.js";
import { newConflict, OPTIMISTIC_LOCK_CAUSE } from "../../machinery/api/status.js";
import type { KeyValue } from "../storage/storage.js";
import { type DeletionPlan, planDeletion } from "./deletion.js";
import { toStatus } from "./storage-status.js";
import { type StoreCore, StoredResult } from "./store-core.js";
import { removeStored, replaceStored } from "./stored-write.js";
import { type DeleteResult, type ObjectAt, type WriteOptions } from "./write.js";

const ATTEMPTS = 100;

/** Deletes, or marks as being deleted, as finalizers, grace period and propagation policy ask. */
export async function deleteObject<T extends KubeObject>(
  core: StoreCore<T>,
  at: ObjectAt,
  deletion: DeleteOptions,
  options: WriteOptions<T>,
): Promise<DeleteResult<T>> {
  validateDeleteOptions(deletion);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const item = core.existing(at);
    const object = core.view.object(item);
    checkPreconditions(core, object, deletion);
    await admitDelete(core, at, object, options);
    const plan = planDeletion(object, deletion, core.resource.strategy, core.dependencies.clock.nowMs());
    const result = await carryOut(core, item, plan, options);
    if (result !== "lost") return result;
  }
  throw newConflict(core.groupResource, at.name, OPTIMISTIC_LOCK_CAUSE);
}

async function admitDelete<T extends KubeObject>(
  core: StoreCore<T>,
  at: ObjectAt,
  oldObject: T,
  options: WriteOptions<T>,
): Promise<void> {
  const request = core.admissionRequest("DELETE", at, { oldObject }, options);
  await core.dependencies.admission.admit(request);
  await core.dependencies.admission.validate(request);
}

async function carryOut<T extends KubeObject>(
  core: StoreCore<T>,
  item: KeyValue,
  plan: DeletionPlan,
  options: WriteOptions<T>,
): Promise<DeleteResult<T> | "lost"> {
  const object = core.view.object(item);
  switch (plan.kind) {
    case "pending":
      return new StoredResult(core, item);
    case "remove":
      return removeStored(core, item, object, options).catch(rethrow);
    case "mark": {
      const marked = { ...core.copyOf(item), metadata: plan.metadata };
      if (plan.first) core.resource.strategy.prepareForDelete?.(marked, core.context(options));
      const write = plan.thenRemove ? removeStored : replaceStored;
      return write(core, item, marked, options).catch(rethrow);
    }
  }
}

function rethrow(err: unknown): never {
  throw toStatus(err);
}

/** Messages: registry/rest BeforeDelete. They name the kind where others name the resource. */
function checkPreconditions<T extends KubeObject>(
  core: StoreCore<T>,
  { metadata }: T,
  { preconditions }: DeleteOptions,
): void {
  const { group, kind } = core.resource.descriptor;
  const resource = { group, resource: kind };
  // What is null was not asked.
  const uid = preconditions?.uid ?? metadata.uid;
  const resourceVersion = preconditions?.resourceVersion ?? metadata.resourceVersion;
  if (uid !== metadata.uid)
    throw newConflict(
      resource,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== metadata.resourceVersion)
    throw newConflict(
      resource,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

function validateDeleteOptions(options: DeleteOptions): void {
  const { propagationPolicy, orphanDependents, gracePeriodSeconds } = options;
  const errors = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    errors.push(
      invalid(
        field("propagationPolicy"),
        propagationPolicy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy))
    errors.push(notSupported(field("propagationPolicy"), propagationPolicy, [...POLICIES]));
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds < 0) options.gracePeriodSeconds = 1;
  if (errors.length > 0) throw newInvalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
}
