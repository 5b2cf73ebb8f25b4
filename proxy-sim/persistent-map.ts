/**
 * An immutable map from strings: `with` and `without` answer a new map that shares all but a few nodes with the old one.
 * A hash array mapped trie of 32 branches a level, so lookups and changes take a handful of steps at any size.
 */
export class PersistentMap<V> {
  static readonly #empty = new PersistentMap<never>({ bitmap: 0, slots: [] }, 0);

  static empty<V>(): PersistentMap<V> {
    return PersistentMap.#empty as PersistentMap<never> as PersistentMap<V>;
  }

  readonly size: number;
  readonly #root: Branch<V>;

  constructor(root: Branch<V>, size: number) {
    this.#root = root;
    this.size = size;
  }

  get(key: string): V | undefined {
    return find(this.#root, hashOf(key), key)?.value;
  }

  has(key: string): boolean {
    return find(this.#root, hashOf(key), key) !== undefined;
  }

  with(key: string, value: V): PersistentMap<V> {
    const hash = hashOf(key);
    const existing = find(this.#root, hash, key);
    if (existing && existing.value === value) return this;
    const root = insert(this.#root, 0, { hash, key, value });
    return new PersistentMap(root, existing ? this.size : this.size + 1);
  }

  without(key: string): PersistentMap<V> {
    const hash = hashOf(key);
    if (!find(this.#root, hash, key)) return this;
    return new PersistentMap(remove(this.#root, 0, hash, key) ?? { bitmap: 0, slots: [] }, this.size - 1);
  }

  *entries(): IterableIterator<[string, V]> {
    for (const leaf of leaves(this.#root)) yield [leaf.key, leaf.value];
  }

  *values(): IterableIterator<V> {
    for (const leaf of leaves(this.#root)) yield leaf.value;
  }

  /** What leads from this map to `next`. Skips everything that the two share. */
  diff(next: PersistentMap<V>): { set: [string, V][]; removed: string[] } {
    const before = new Map<string, V>();
    const after = new Map<string, V>();
    collectDifference(this.#root, next.#root, before, after);
    const set = [...after].filter(([key, value]) => before.get(key) !== value);
    const removed = [...before.keys()].filter((key) => !after.has(key));
    return { set, removed };
  }
}

interface Leaf<V> {
  hash: number;
  key: string;
  value: V;
}
/** Keys whose hashes are the same in all 32 bits. */
interface Collision<V> {
  leaves: readonly Leaf<V>[];
}
interface Branch<V> {
  bitmap: number;
  slots: readonly Slot<V>[];
}
type Slot<V> = Leaf<V> | Collision<V> | Branch<V>;

const BITS = 5;
const LAST_SHIFT = 35;

/** FNV-1a. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash;
}

const bitAt = (hash: number, shift: number): number => 1 << ((hash >>> shift) & 31);

function countBits(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

const isBranch = <V>(slot: Slot<V>): slot is Branch<V> => "slots" in slot;
const isCollision = <V>(slot: Slot<V>): slot is Collision<V> => "leaves" in slot;

function find<V>(root: Branch<V>, hash: number, key: string): Leaf<V> | undefined {
  let branch = root;
  for (let shift = 0; ; shift += BITS) {
    const bit = bitAt(hash, shift);
    if ((branch.bitmap & bit) === 0) return undefined;
    const slot = branch.slots[countBits(branch.bitmap & (bit - 1))];
    if (!slot) return undefined;
    if (isBranch(slot)) branch = slot;
    else if (isCollision(slot)) return slot.leaves.find((leaf) => leaf.key === key);
    else return slot.key === key ? slot : undefined;
  }
}

function insert<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>): Branch<V> {
  const bit = bitAt(leaf.hash, shift);
  const index = countBits(branch.bitmap & (bit - 1));
  const slot = branch.slots[index];
  if ((branch.bitmap & bit) === 0 || !slot) {
    return { bitmap: branch.bitmap | bit, slots: branch.slots.toSpliced(index, 0, leaf) };
  }
  return { bitmap: branch.bitmap, slots: branch.slots.with(index, insertInto(slot, shift + BITS, leaf)) };
}

function insertInto<V>(slot: Slot<V>, shift: number, leaf: Leaf<V>): Slot<V> {
  if (isBranch(slot)) return insert(slot, shift, leaf);
  const existing = isCollision(slot) ? slot.leaves : [slot];
  if (existing.some((other) => other.key === leaf.key)) {
    const replaced = existing.map((other) => (other.key === leaf.key ? leaf : other));
    return replaced.length === 1 ? leaf : { leaves: replaced };
  }
  if (shift >= LAST_SHIFT) return { leaves: [...existing, leaf] };
  let split: Branch<V> = { bitmap: 0, slots: [] };
  for (const other of [...existing, leaf]) split = insert(split, shift, other);
  return split;
}

function remove<V>(branch: Branch<V>, shift: number, hash: number, key: string): Branch<V> | undefined {
  const bit = bitAt(hash, shift);
  const index = countBits(branch.bitmap & (bit - 1));
  const slot = branch.slots[index];
  if (!slot) return branch;
  const left = removeFrom(slot, shift + BITS, hash, key);
  if (left) return { bitmap: branch.bitmap, slots: branch.slots.with(index, left) };
  if (branch.slots.length === 1) return undefined;
  return { bitmap: branch.bitmap & ~bit, slots: branch.slots.toSpliced(index, 1) };
}

function removeFrom<V>(slot: Slot<V>, shift: number, hash: number, key: string): Slot<V> | undefined {
  if (isBranch(slot)) return remove(slot, shift, hash, key);
  if (!isCollision(slot)) return undefined;
  const left = slot.leaves.filter((leaf) => leaf.key !== key);
  return left.length === 1 ? left[0] : { leaves: left };
}

function* leaves<V>(slot: Slot<V>): IterableIterator<Leaf<V>> {
  if (isBranch(slot)) for (const child of slot.slots) yield* leaves(child);
  else if (isCollision(slot)) yield* slot.leaves;
  else yield slot;
}

function collectDifference<V>(
  a: Slot<V> | undefined,
  b: Slot<V> | undefined,
  before: Map<string, V>,
  after: Map<string, V>,
): void {
  if (a === b) return;
  if (a && b && isBranch(a) && isBranch(b)) {
    for (let bit = 1, i = 0; i < 32; bit <<= 1, i++)
      collectDifference(slotAt(a, bit), slotAt(b, bit), before, after);
    return;
  }
  if (a) for (const leaf of leaves(a)) before.set(leaf.key, leaf.value);
  if (b) for (const leaf of leaves(b)) after.set(leaf.key, leaf.value);
}

const slotAt = <V>(branch: Branch<V>, bit: number): Slot<V> | undefined =>
  (branch.bitmap & bit) === 0 ? undefined : branch.slots[countBits(branch.bitmap & (bit - 1))];
