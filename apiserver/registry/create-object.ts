import { toTime } from "../../machinery/api/clock.js";
import { deepCopy } from "../../machinery/api/deep-equal.js";
import { newInvalid } from "../../machinery/api/field-error.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { isAlreadyExists, newAlreadyExists, newBadRequest, StatusError } from "../../machinery/api/status.js";
import type { Companions } from "../storage/storage.js";
import { validateObjectMeta } from "./object-meta.js";
import type { Reservation } from "./serve.js";
import { toStatus } from "./storage-status.js";
import { newUnknown, type StoreCore, StoredResult } from "./store-core.js";
import { type UpdateResult, unstored, type WriteOptions } from "./write.js";

/** Upstream's limits: registry/generic/registry/store.go and storage/names/generate.go. */
const GENERATED_NAME_ATTEMPTS = 8;
const SUFFIX_LENGTH = 5;
const LONGEST_GENERATED_BASE = 63 - SUFFIX_LENGTH;

export async function createObject<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  options: WriteOptions<T>,
): Promise<UpdateResult<T>> {
  if (object.metadata.resourceVersion && object.metadata.resourceVersion !== "0")
    throw newUnknown("resourceVersion should not be set on objects to be created");
  if (object.metadata.name || !object.metadata.generateName) return createNamed(core, object, options);
  for (let attempt = 1; ; attempt++) {
    const candidate = deepCopy(object);
    try {
      return await createNamed(core, candidate, options);
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      if (attempt === GENERATED_NAME_ATTEMPTS) throw newGenerateNameConflict(err);
    }
  }
}

const newGenerateNameConflict = ({ status }: StatusError): StatusError =>
  new StatusError({
    code: 409,
    reason: "AlreadyExists",
    message: `${status.message}, the server was not able to generate a unique name for the object`,
    details: { ...status.details, retryAfterSeconds: 1 },
  });

async function createNamed<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  options: WriteOptions<T>,
): Promise<UpdateResult<T>> {
  const { namespace, name } = object.metadata;
  core.resource.strategy.defaults?.(object);
  const admission = core.admissionRequest("CREATE", { namespace, name }, { object }, options);
  await core.dependencies.admission.admit(admission);
  const strategy = core.strategy(options);
  const context = core.context(options);
  setSystemMetadata(core, object);
  const reservation = strategy.reserve?.(object, undefined, context);
  return settling(reservation, options.dryRun, async () => {
    strategy.prepareForCreate?.(object, context);
    validateNew(core, object, options);
    for (const warning of strategy.warningsOnCreate?.(object) ?? []) options.warn?.(warning);
    strategy.canonicalize?.(object);
    await core.dependencies.admission.validate({ ...admission, name: object.metadata.name });
    return store(core, object, options, reservation?.companions);
  });
}

/** Keeps what `reserve` claimed exactly if the write happened; "lost" means that it did not. */
export async function settling<R>(
  reservation: Reservation | undefined,
  dryRun: boolean,
  write: () => Promise<R>,
): Promise<R> {
  try {
    const result = await write();
    if (dryRun || result === "lost") reservation?.rollback();
    else reservation?.commit();
    return result;
  } catch (err) {
    reservation?.rollback();
    throw toStatus(err);
  }
}

function setSystemMetadata<T extends KubeObject>(core: StoreCore<T>, object: T): void {
  const { rng, clock } = core.dependencies;
  const { metadata } = object;
  if (!metadata.name && metadata.generateName)
    metadata.name = metadata.generateName.slice(0, LONGEST_GENERATED_BASE) + rng.suffix(SUFFIX_LENGTH);
  metadata.uid = rng.uuid();
  metadata.creationTimestamp = toTime(clock.nowMs());
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.managedFields;
  delete metadata.selfLink;
  delete (metadata as Partial<typeof metadata>).resourceVersion;
  if ("spec" in object) metadata.generation = 1;
  else delete metadata.generation;
}

function validateNew<T extends KubeObject>(core: StoreCore<T>, object: T, options: WriteOptions<T>): void {
  const { descriptor, strategy } = core.resource;
  const errors = [
    ...validateObjectMeta(object.metadata, {
      namespaced: descriptor.namespaced,
      nameErrors: (name) => strategy.validateName?.(name),
    }),
    ...(core.strategy(options).validate?.(object, core.context(options)) ?? []),
  ];
  if (errors.length > 0) throw newInvalid(descriptor, object.metadata.name ?? "", errors);
}

async function store<T extends KubeObject>(
  core: StoreCore<T>,
  object: T,
  options: WriteOptions<T>,
  companions: Companions | undefined,
): Promise<UpdateResult<T>> {
  const { namespace, name } = object.metadata;
  const key = core.key({ namespace, name });
  if (options.dryRun) {
    if (core.storage.get(key)) throw newAlreadyExists(core.groupResource, name);
    return unstored(object, { created: true });
  }
  const outcome = await core.storage.create(key, core.encoder(object), companions);
  switch (outcome.kind) {
    case "exists":
      throw newAlreadyExists(core.groupResource, name);
    case "created":
      return new StoredResult(core, outcome.item, { created: true });
  }
}

/** Fills the namespace from the URL; refuses another one. */
export function matchNamespace(object: KubeObject, namespace: string | undefined): void {
  const { metadata } = object;
  if (!metadata.namespace && namespace) metadata.namespace = namespace;
  else if ((metadata.namespace ?? "") !== (namespace ?? ""))
    throw newBadRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
}
