import type { Row } from "./journal.js";
import type { KeyIndex } from "./key-index.js";
import type {
  Companions,
  CreateOutcome,
  DeleteOutcome,
  Encode,
  KeyValue,
  Revision,
  StorageEvent,
  UpdateOutcome,
} from "./storage.js";

/** Writes of one turn, in order, each seeing its predecessors; nothing of it is visible until it is applied. */
export class Transaction {
  readonly rows: Row[] = [];
  readonly events: StorageEvent[] = [];
  revision: Revision;
  readonly #index: KeyIndex;
  /** Revision of the deletion of keys that are gone but not yet out of history. */
  readonly #tombstones: ReadonlyMap<string, Revision>;
  /** Keys written so far; undefined: deleted. */
  readonly #written = new Map<string, KeyValue | undefined>();
  readonly #deleted = new Map<string, Revision>();

  constructor(index: KeyIndex, tombstones: ReadonlyMap<string, Revision>, revision: Revision) {
    this.#index = index;
    this.#tombstones = tombstones;
    this.revision = revision;
  }

  create(key: string, encode: Encode, companions?: Companions): CreateOutcome {
    const current = this.#current(key);
    if (current) return { kind: "exists", current };
    this.#createAlong(companions);
    const item = this.#create(key, encode);
    this.#deleteAlong(companions);
    return { kind: "created", item };
  }

  update(key: string, encode: Encode, expected: Revision, companions?: Companions): UpdateOutcome {
    const previous = this.#current(key);
    if (!previous) return { kind: "missing" };
    if (previous.revision !== expected) return { kind: "conflict", current: previous };
    this.#createAlong(companions);
    const item = this.#successor(previous, encode);
    this.#write({ item, previous: previous.revision, deleted: false });
    this.events.push({ type: "updated", item, previous });
    this.#deleteAlong(companions);
    return { kind: "updated", item, previous };
  }

  delete(key: string, encode: Encode, expected: Revision, companions?: Companions): DeleteOutcome {
    const previous = this.#current(key);
    if (!previous) return { kind: "missing" };
    if (previous.revision !== expected) return { kind: "conflict", current: previous };
    this.#createAlong(companions);
    const item = this.#delete(previous, encode);
    this.#deleteAlong(companions);
    return { kind: "deleted", item, previous };
  }

  #createAlong(companions: Companions | undefined): void {
    for (const { key, encode } of companions?.created ?? [])
      if (!this.#current(key)) this.#create(key, encode);
  }

  #deleteAlong(companions: Companions | undefined): void {
    for (const { key, encode } of companions?.deleted ?? []) {
      const current = this.#current(key);
      const last = current && encode(current);
      if (current && last) this.#delete(current, last);
    }
  }

  #create(key: string, encode: Encode): KeyValue {
    const revision = this.revision + 1;
    const item = { key, value: encode(revision), revision, createRevision: revision };
    this.#write({
      item,
      previous: this.#deleted.get(key) ?? this.#tombstones.get(key) ?? 0,
      deleted: false,
    });
    this.events.push({ type: "created", item });
    return item;
  }

  #delete(previous: KeyValue, encode: Encode): KeyValue {
    const item = this.#successor(previous, encode);
    this.#write({ item, previous: previous.revision, deleted: true });
    this.#deleted.set(previous.key, item.revision);
    this.events.push({ type: "deleted", item, previous });
    return item;
  }

  #current(key: string): KeyValue | undefined {
    return this.#written.has(key) ? this.#written.get(key) : this.#index.get(key);
  }

  #successor({ key, createRevision }: KeyValue, encode: Encode): KeyValue {
    const revision = this.revision + 1;
    return { key, value: encode(revision), revision, createRevision };
  }

  #write(row: Row): void {
    this.revision = row.item.revision;
    this.rows.push(row);
    this.#written.set(row.item.key, row.deleted ? undefined : row.item);
  }
}
