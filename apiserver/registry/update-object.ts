import { deepEqual } from "../../machinery/api/deep-equal.js";
import { field, invalid, newInvalid } from "../../machinery/api/field-error.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { newConflict, newNotFound, OPTIMISTIC_LOCK_CAUSE } from "../../machinery/api/status.js";
import type { KeyValue } from "../storage/storage.js";
import { createObject, settling } from "./create-object.js";
import { completesDeletion } from "./deletion.js";
import { validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.js";
import type { StoreCore } from "./store-core.js";
import { removeStored, replaceStored } from "./stored-write.js";
import { type ObjectAt, type UpdateResult, type WriteOptions } from "./write.js";

/**
 * Makes the object to be stored from the current one (read-only; undefined when it does not exist). Called anew when
 * another write came between; must not return `current` itself or parts of it that will be changed.
 */
export type Change<T extends KubeObject> = (current: T | undefined) => T | Promise<T>;

/** Bounds the retries of a write that loses to other writes again and again. */
const ATTEMPTS = 100;

export async function updateObject<T extends KubeObject>(
  core: StoreCore<T>,
  at: ObjectAt,
  change: Change<T>,
  options: WriteOptions<T>,
): Promise<UpdateResult<T>> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const item = core.item(at);
    if (item === undefined) return createInstead(core, at, change, options);
    const result = await updateOnce(core, at, item, change, options);
    if (result !== "lost") return result;
  }
  throw newConflict(core.groupResource, at.name, OPTIMISTIC_LOCK_CAUSE);
}

async function createInstead<T extends KubeObject>(
  core: StoreCore<T>,
  at: ObjectAt,
  change: Change<T>,
  options: WriteOptions<T>,
): Promise<UpdateResult<T>> {
  const object = await change(undefined);
  if (object.metadata.uid) throw newUidConflict(core, at.name, core.key(at), object.metadata.uid, "");
  if (!core.strategy(options).allowCreateOnUpdate || options.subresource || object.metadata.resourceVersion)
    throw newNotFound(core.groupResource, at.name);
  return createObject(core, object, options);
}

async function updateOnce<T extends KubeObject>(
  core: StoreCore<T>,
  at: ObjectAt,
  item: KeyValue,
  change: Change<T>,
  options: WriteOptions<T>,
): Promise<UpdateResult<T> | "lost"> {
  const old = core.view.object(item);
  const object = await change(old);
  const strategy = core.strategy(options);
  core.resource.strategy.defaults?.(object);
  const admission = core.admissionRequest("UPDATE", at, { object, oldObject: old }, options);
  await core.dependencies.admission.admit(admission);
  checkIdentity(core, object, old, item, options);
  const reservation = strategy.reserve?.(object, old, core.context(options));
  return settling(reservation, options.dryRun, async () => {
    setSystemMetadata(core, object, old, options);
    validateChange(core, object, old, options);
    for (const warning of strategy.warningsOnUpdate?.(object, old) ?? []) options.warn?.(warning);
    strategy.canonicalize?.(object);
    await core.dependencies.admission.validate(admission);
    if (completesDeletion(object, old, core.resource.strategy))
      return removeStored(core, item, object, options);
    return replaceStored(core, item, object, options, reservation?.companions);
  });
}

/** The preconditions that an update carries in its own metadata. */
function checkIdentity<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  old: T,
  item: KeyValue,
  options: WriteOptions<T>,
): void {
  const { metadata } = object;
  const current = old.metadata.resourceVersion;
  if (metadata.uid && metadata.uid !== old.metadata.uid)
    throw newUidConflict(core, old.metadata.name, item.key, metadata.uid, old.metadata.uid);
  const version = metadata.resourceVersion;
  if (version && !/^\d+$/.test(version))
    throw newInvalid(core.resource.descriptor, old.metadata.name, [
      invalid(
        field("metadata", "resourceVersion"),
        version,
        `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`,
      ),
    ]);
  if (!version || version === "0") {
    if (core.strategy(options).allowUnconditionalUpdate === false)
      throw newInvalid(core.resource.descriptor, old.metadata.name, [
        invalid(field("metadata", "resourceVersion"), 0, "must be specified for an update"),
      ]);
    metadata.resourceVersion = current;
  } else if (version !== current)
    throw newConflict(core.groupResource, old.metadata.name, OPTIMISTIC_LOCK_CAUSE);
}

/** What an update of an object that was deleted, or deleted and made anew, is told. */
const newUidConflict = <T extends KubeObject>(
  core: StoreCore<T>,
  name: string,
  key: string,
  asked: string,
  found: string,
) =>
  newConflict(
    core.groupResource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`,
  );

function setSystemMetadata<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  old: T,
  options: WriteOptions<T>,
): void {
  const { metadata } = object;
  const was = old.metadata;
  metadata.name ||= was.name;
  metadata.uid = was.uid;
  metadata.creationTimestamp = was.creationTimestamp;
  if (was.namespace) metadata.namespace ||= was.namespace;
  if (was.deletionTimestamp) metadata.deletionTimestamp = was.deletionTimestamp;
  if (was.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds = was.deletionGracePeriodSeconds;
  delete metadata.managedFields;
  delete metadata.selfLink;
  if (was.generation === undefined) delete metadata.generation;
  else metadata.generation = was.generation;
  const strategy = core.strategy(options);
  strategy.prepareForUpdate?.(object, old, core.context(options));
  if (was.generation === undefined || metadata.generation !== was.generation) return;
  const owner = strategy.generationChanged ? strategy : core.resource.strategy;
  if (owner.generationChanged ? owner.generationChanged(object, old) : specChanged(object, old))
    metadata.generation = was.generation + 1;
}

const specOf = (object: KubeObject): unknown => (object as { spec?: unknown }).spec;
const specChanged = (object: KubeObject, old: KubeObject): boolean => !deepEqual(specOf(object), specOf(old));

function validateChange<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  old: T,
  options: WriteOptions<T>,
): void {
  const { descriptor, strategy } = core.resource;
  const errors = [
    ...validateObjectMeta(object.metadata, {
      namespaced: descriptor.namespaced,
      nameErrors: (name) => strategy.validateName?.(name),
    }),
    ...validateObjectMetaUpdate(object.metadata, old.metadata),
    ...(core.strategy(options).validateUpdate?.(object, old, core.context(options)) ?? []),
  ];
  if (errors.length > 0) throw newInvalid(descriptor, old.metadata.name, errors);
}
