import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { DeepReadonly, KubeObject } from "../api/meta-v1.js";
import { type ObjectKey, objectKey, type ResourceDescriptor } from "../api/resource.js";
import type { Rng } from "../api/rng.js";
import { type IndexFunction, Indexer } from "./indexer.js";
import { Reflector, type ReflectorSink, type Selection } from "./reflector.js";
import type { RestClient } from "./rest-client.js";

/** Called in the server's order, one at a time, synchronously. They enqueue and return. */
export interface ChangeHandlers<T> {
  added?(object: DeepReadonly<T>): void;
  updated?(old: DeepReadonly<T>, object: DeepReadonly<T>): void;
  /** The last state known: a deletion missed while disconnected is reported with what the cache had. */
  deleted?(object: DeepReadonly<T>): void;
}

export interface InformerOptions<T extends KubeObject> {
  client: RestClient;
  descriptor: ResourceDescriptor<T>;
  selection?: Selection;
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

/**
 * A local, read-only copy of one resource, kept equal to the server across disconnections and server restarts. An object
 * deleted and made anew under the same name is reported as deleted, then added.
 */
export class Informer<T extends KubeObject> {
  readonly descriptor: ResourceDescriptor<T>;
  readonly synced: Promise<void>;
  readonly #reflector: Reflector<T>;
  readonly #indexer = new Indexer<T>();
  readonly #handlers: ChangeHandlers<T>[] = [];
  readonly #logger: Logger;
  /** Uids of objects whose deletion was observed before the watch told of it. */
  readonly #goneAhead = new Set<string>();
  #resolveSynced = (): void => {};
  #hasSynced = false;

  constructor(options: InformerOptions<T>) {
    this.descriptor = options.descriptor;
    this.#logger = options.logger;
    this.synced = new Promise((resolve) => {
      this.#resolveSynced = resolve;
    });
    const sink: ReflectorSink<T> = {
      replace: (items) => this.#replace(items),
      upsert: (object) => this.#upsert(object),
      remove: (object) => {
        this.#goneAhead.delete(object.metadata.uid);
        this.#remove(objectKey(object), object);
      },
    };
    this.#reflector = new Reflector({ ...options, sink });
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#indexer.get(key);
  }

  list(namespace?: string): DeepReadonly<T>[] {
    return this.#indexer.list(namespace);
  }

  get size(): number {
    return this.#indexer.size;
  }

  byIndex(name: string, value: string): DeepReadonly<T>[] {
    return this.#indexer.byIndex(name, value);
  }

  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    this.#indexer.addIndex(name, valuesOf);
  }

  /** A handler that comes late is told of everything already here, as added. */
  onChange(handlers: ChangeHandlers<T>): void {
    this.#handlers.push(handlers);
    if (handlers.added) {
      for (const object of this.#indexer.list()) this.#call(() => handlers.added?.(object));
    }
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Version up to which this copy is complete. */
  get resourceVersion(): string | undefined {
    return this.#reflector.resourceVersion;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  /**
   * Takes in the answer to one's own write, so that what was written is read at once. Ignored when the watch has already
   * passed it. Returns the object.
   */
  observe(written: T): T {
    const seen = this.#reflector.resourceVersion;
    if (seen !== undefined && isNewer(written.metadata.resourceVersion, seen)) this.#upsert(written);
    return written;
  }

  /** Takes in that a deletion of one's own was final, unless the object was made anew meanwhile. */
  observeDeleted(object: DeepReadonly<KubeObject>): void {
    const key = objectKey(object);
    if (this.#indexer.get(key)?.metadata.uid !== object.metadata.uid) return;
    this.#goneAhead.add(object.metadata.uid);
    this.#remove(key);
  }

  #replace(items: T[]): void {
    this.#goneAhead.clear();
    const gone = new Set(this.#indexer.keys());
    for (const item of items) {
      gone.delete(objectKey(item));
      this.#store(item);
    }
    for (const key of gone) this.#remove(key);
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  /** The watch may still bring what is older than an observed write. */
  #upsert(object: T): void {
    if (this.#goneAhead.has(object.metadata.uid)) return;
    const old = this.#indexer.get(objectKey(object));
    if (!old || isNewer(object.metadata.resourceVersion, old.metadata.resourceVersion)) this.#store(object);
  }

  #store(object: T): void {
    const old = this.#indexer.get(objectKey(object));
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (old && old.metadata.uid !== object.metadata.uid) this.#remove(objectKey(object));
    this.#insert(object, old?.metadata.uid === object.metadata.uid ? old : undefined);
  }

  #insert(object: T, old: DeepReadonly<T> | undefined): void {
    this.#indexer.set(object);
    const now = object as DeepReadonly<T>;
    for (const handlers of this.#handlers) {
      this.#call(() => (old ? handlers.updated?.(old, now) : handlers.added?.(now)));
    }
  }

  #remove(key: ObjectKey, last?: T): void {
    const old = this.#indexer.get(key);
    if (!old || (last && isNewer(old.metadata.resourceVersion, last.metadata.resourceVersion))) return;
    this.#indexer.delete(key);
    const final = last?.metadata.uid === old.metadata.uid ? (last as DeepReadonly<T>) : old;
    for (const handlers of this.#handlers) this.#call(() => handlers.deleted?.(final));
  }

  #call(handler: () => void): void {
    try {
      handler();
    } catch (err) {
      // One consumer's mistake must not stop the cache that all the others read.
      this.#logger.error("An informer's handler failed", { resource: this.descriptor.plural, err });
    }
  }
}

/** Versions of one resource are decimal numbers that grow (comparable since Kubernetes 1.35). */
const isNewer = (left: string, right: string): boolean =>
  left.length === right.length ? left > right : left.length > right.length;
