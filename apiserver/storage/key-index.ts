import type { KeyValue } from "./storage.js";

/** A key that exists now. The entry lives as long as the key; updates replace its item. */
export interface Entry {
  readonly key: string;
  item: KeyValue;
}

const LARGEST_CHUNK = 512;

/**
 * Current keys in order. Kept as a list of short sorted arrays, so that an insertion moves a few hundred entries at
 * most and a range starts after two binary searches, however many keys there are.
 */
export class KeyIndex {
  readonly #entries = new Map<string, Entry>();
  #chunks: Entry[][] = [];

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): KeyValue | undefined {
    return this.#entries.get(key)?.item;
  }

  set(item: KeyValue): void {
    const known = this.#entries.get(item.key);
    if (known) known.item = item;
    else this.#insert({ key: item.key, item });
  }

  delete(key: string): void {
    if (!this.#entries.delete(key)) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] as Entry[];
    chunk.splice(lowerBound(chunk, key), 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Items with `from <= key < to`, in order. The index must not change meanwhile. */
  *range(from: string, to: string | undefined): Generator<KeyValue> {
    let at = this.#chunkOf(from);
    let i = lowerBound(this.#chunks[at] ?? [], from);
    for (; at < this.#chunks.length; at++, i = 0) {
      const chunk = this.#chunks[at] as Entry[];
      for (; i < chunk.length; i++) {
        const entry = chunk[i] as Entry;
        if (to !== undefined && entry.key >= to) return;
        yield entry.item;
      }
    }
  }

  /** The first `limit` of the same. */
  page(from: string, to: string | undefined, limit: number): KeyValue[] {
    const items: KeyValue[] = [];
    let at = this.#chunkOf(from);
    let i = lowerBound(this.#chunks[at] ?? [], from);
    for (; at < this.#chunks.length; at++, i = 0) {
      const chunk = this.#chunks[at] as Entry[];
      const ends = to !== undefined && (chunk[chunk.length - 1] as Entry).key >= to;
      const last = ends ? lowerBound(chunk, to) : chunk.length;
      for (; i < last && items.length < limit; i++) items.push((chunk[i] as Entry).item);
      if (ends || items.length >= limit) break;
    }
    return items;
  }

  /** How many keys have `from <= key < to`. */
  countRange(from: string, to: string | undefined): number {
    return (to === undefined ? this.size : this.#rank(to)) - this.#rank(from);
  }

  /** How many keys are less than `key`. */
  #rank(key: string): number {
    const at = this.#chunkOf(key);
    let rank = lowerBound(this.#chunks[at] ?? [], key);
    for (let i = 0; i < at; i++) rank += (this.#chunks[i] as Entry[]).length;
    return rank;
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    const at = Math.min(this.#chunkOf(entry.key), this.#chunks.length - 1);
    const chunk = this.#chunks[at];
    if (!chunk) {
      this.#chunks.push([entry]);
      return;
    }
    chunk.splice(lowerBound(chunk, entry.key), 0, entry);
    if (chunk.length > LARGEST_CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length / 2));
  }

  /** The first chunk whose last key is not less than `key`; the number of chunks when there is none. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle] as Entry[];
      if ((chunk[chunk.length - 1] as Entry).key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first entry whose key is not less than `key`. */
function lowerBound(chunk: readonly { key: string }[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as { key: string }).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first key after all that start with `prefix`; undefined when there is none (the empty prefix). */
export function prefixEnd(prefix: string): string | undefined {
  const last = prefix.charCodeAt(prefix.length - 1);
  if (prefix === "") return undefined;
  return last === 0xffff
    ? prefixEnd(prefix.slice(0, -1))
    : prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

/** The first key after `key`. */
export const keyAfter = (key: string): string => `${key}\u0000`;
