import type { DeepReadonly, KubeObject } from "../api/meta-v1.js";
import { type ObjectKey, objectKey } from "../api/resource.js";

/** Values under which an object is found; none leaves it out of the index. */
export type IndexFunction<T> = (object: DeepReadonly<T>) => readonly string[];

interface Index<T> {
  valuesOf: IndexFunction<T>;
  objects: Map<string, Map<ObjectKey, DeepReadonly<T>>>;
}

const BY_NAMESPACE = "namespace";

/** Objects by key, and by any number of indexes kept up with each change. */
export class Indexer<T extends KubeObject> {
  readonly #objects = new Map<ObjectKey, DeepReadonly<T>>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(BY_NAMESPACE, (object) => [object.metadata.namespace ?? ""]);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<ObjectKey> {
    return this.#objects.keys();
  }

  list(namespace?: string): DeepReadonly<T>[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(BY_NAMESPACE, namespace);
  }

  byIndex(name: string, value: string): DeepReadonly<T>[] {
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`no index ${name}`);
    const found = index.objects.get(value);
    return found ? [...found.values()] : [];
  }

  /** Adding an index that exists does nothing: who shares an informer shares its indexes. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { valuesOf, objects: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index, key, object);
  }

  /** The state before. */
  set(object: T): DeepReadonly<T> | undefined {
    const key = objectKey(object);
    const next = object as DeepReadonly<T>;
    const old = this.#objects.get(key);
    this.#objects.set(key, next);
    for (const index of this.#indexes.values()) {
      if (old) withdraw(index, key, old);
      insert(index, key, next);
    }
    return old;
  }

  /** What was removed. */
  delete(key: ObjectKey): DeepReadonly<T> | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) withdraw(index, key, old);
    return old;
  }
}

function insert<T>(index: Index<T>, key: ObjectKey, object: DeepReadonly<T>): void {
  for (const value of index.valuesOf(object)) {
    const bucket = index.objects.get(value);
    if (bucket) bucket.set(key, object);
    else index.objects.set(value, new Map([[key, object]]));
  }
}

function withdraw<T>(index: Index<T>, key: ObjectKey, object: DeepReadonly<T>): void {
  for (const value of index.valuesOf(object)) {
    const bucket = index.objects.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.objects.delete(value);
  }
}
