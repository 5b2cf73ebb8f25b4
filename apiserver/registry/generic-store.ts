import type { DeleteOptions, KubeObject } from "../../machinery/api/meta-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import type { KeyValue } from "../storage/storage.js";
import { createObject } from "./create-object.js";
import { deleteObject } from "./delete-object.js";
import type { Selection } from "./selection.js";
import type { ServedResource } from "./serve.js";
import { StoreCore, type StoreDependencies } from "./store-core.js";
import { type ListPage, listObjects, type PageOptions } from "./list-objects.js";
import { type Change, updateObject } from "./update-object.js";
import { type ObjectWatch, type WatchEnd, type WatchSource, watchObjects } from "./watch-objects.js";
import type { DeleteResult, ObjectAt, UpdateResult, WriteOptions, Written } from "./write.js";

/** Writes of one deletecollection that may share a commit. */
const DELETED_AT_ONCE = 64;

/** All that a kind's verbs do to its stored objects, in upstream's order and with its strategy. */
export class GenericStore<T extends KubeObject = KubeObject> {
  readonly core: StoreCore<T>;

  constructor(resource: ServedResource<T>, dependencies: StoreDependencies) {
    this.core = new StoreCore(resource, dependencies);
  }

  get resource(): ServedResource<T> {
    return this.core.resource;
  }

  /** Read-only and shared; throws NotFound. */
  get(at: ObjectAt): T {
    return this.core.view.object(this.core.existing(at));
  }

  /** Read-only and shared; undefined when there is none. */
  find(at: ObjectAt): T | undefined {
    const item = this.core.item(at);
    return item && this.core.view.object(item);
  }

  /** The stored value itself, for verbs that copy bytes; throws NotFound. */
  item(at: ObjectAt): KeyValue {
    return this.core.existing(at);
  }

  /** Throws Expired, or "Too large resource version". */
  list(selection: Selection, page: PageOptions = {}): ListPage {
    return listObjects(this.core, selection, page);
  }

  /** The object becomes the store's: the caller must not change it afterwards. */
  create(object: T, options: WriteOptions<T>): Promise<Written<T>> {
    return createObject(this.core, object, options);
  }

  /** Reads, changes and writes until no other write came between. */
  update(at: ObjectAt, change: Change<T>, options: WriteOptions<T>): Promise<UpdateResult<T>> {
    return updateObject(this.core, at, change, options);
  }

  /** Like `update`, with a copy that `mutate` changes in place; throws NotFound. */
  mutate(at: ObjectAt, mutate: (copy: T) => void, options: WriteOptions<T>): Promise<UpdateResult<T>> {
    const change = (): T => {
      const copy = this.core.copyOf(this.core.existing(at));
      mutate(copy);
      return copy;
    };
    return updateObject(this.core, at, change, options);
  }

  delete(at: ObjectAt, deletion: DeleteOptions, options: WriteOptions<T>): Promise<DeleteResult<T>> {
    return deleteObject(this.core, at, deletion, options);
  }

  /** One delete for each matching object, begun in key order. */
  async deleteCollection(
    selection: Selection,
    deletion: DeleteOptions,
    options: WriteOptions<T>,
  ): Promise<{ deleted: DeleteResult<T>[]; page: ListPage }> {
    const page = this.list(selection);
    const deleted: DeleteResult<T>[] = [];
    for (let start = 0; start < page.items.length; start += DELETED_AT_ONCE) {
      const batch = page.items.slice(start, start + DELETED_AT_ONCE);
      const results = await Promise.all(batch.map((item) => this.#deleteFound(item, deletion, options)));
      for (const result of results) if (result) deleted.push(result);
    }
    return { deleted, page };
  }

  /** Undefined when someone else deleted it meanwhile. */
  async #deleteFound(
    item: KeyValue,
    deletion: DeleteOptions,
    options: WriteOptions<T>,
  ): Promise<DeleteResult<T> | undefined> {
    const { namespace, name } = this.core.view.object(item).metadata;
    try {
      return await this.delete({ namespace, name }, { ...deletion }, options);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /** Calls `watch` for every change of what is selected, after `source.after`. */
  watch(selection: Selection, source: WatchSource, watch: ObjectWatch): WatchEnd {
    return watchObjects(this.core, selection, source, watch);
  }
}
