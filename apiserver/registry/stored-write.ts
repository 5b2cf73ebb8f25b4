import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { Companions, KeyValue } from "../storage/storage.js";
import { type StoreCore, StoredResult } from "./store-core.js";
import { type UpdateResult, unstored, type WriteOptions } from "./write.js";

/** Stores `object` in place of `item`; "lost" when another write came between. Rejects with StorageError. */
export async function replaceStored<T extends KubeObject>(
  core: StoreCore<T>,
  item: KeyValue,
  object: T,
  { dryRun }: WriteOptions<T>,
  companions?: Companions,
): Promise<UpdateResult<T> | "lost"> {
  // A write that changes nothing makes no revision and wakes no watcher.
  if (deepEqual(object, core.view.object(item))) return new StoredResult(core, item);
  if (dryRun) return unstored(object);
  const outcome = await core.storage.update(item.key, core.encoder(object), item.revision, companions);
  if (outcome.kind !== "updated") return "lost";
  return new StoredResult(core, outcome.item);
}

/** Removes `item`, with `object` as its last state; "lost" when another write came between. Rejects with StorageError. */
export async function removeStored<T extends KubeObject>(
  core: StoreCore<T>,
  item: KeyValue,
  object: T,
  options: WriteOptions<T>,
): Promise<UpdateResult<T> | "lost"> {
  if (options.dryRun) return unstored(object, { removed: true });
  const companions = core.resource.strategy.removedWith?.(core.view.object(item));
  const outcome = await core.storage.delete(item.key, core.encoder(object), item.revision, companions);
  if (outcome.kind !== "deleted") return "lost";
  core.resource.strategy.afterDelete?.(object, core.context(options));
  return new StoredResult(core, outcome.item, { removed: true });
}
