/** One counter for the whole store. Revision 1 is the first write; an empty store is at 0. */
export type Revision = number;

/** Immutable. While it is the current value of its key, every read returns this same object (so memoise by identity). */
export interface KeyValue {
  readonly key: string;
  /** The object's JSON in UTF-8, its own resourceVersion included. */
  readonly value: Uint8Array;
  /** Revision of the write that made this value. */
  readonly revision: Revision;
  readonly createRevision: Revision;
}

/** Makes the stored bytes once the write's revision is known. Called inside the transaction: pure, quick, no throw. */
export type Encode = (revision: Revision) => Uint8Array;

/**
 * Writes of other keys that happen in the same transaction as one write, and only if that one happens: what came into being
 * with it before it, what went with it after it. A key that exists already is not created, a missing one not deleted.
 */
export interface Companions {
  readonly created: readonly { readonly key: string; readonly encode: Encode }[];
  /** `encode` makes the last state of what is stored now; undefined leaves it alone. */
  readonly deleted: readonly {
    readonly key: string;
    readonly encode: (current: KeyValue) => Encode | undefined;
  }[];
}

export type CreateOutcome = { kind: "created"; item: KeyValue } | { kind: "exists"; current: KeyValue };
export type UpdateOutcome =
  | { kind: "updated"; item: KeyValue; previous: KeyValue }
  | { kind: "missing" }
  | { kind: "conflict"; current: KeyValue };
/** `item` holds the final bytes (with the deletion's revision) that watchers see. */
export type DeleteOutcome =
  | { kind: "deleted"; item: KeyValue; previous: KeyValue }
  | { kind: "missing" }
  | { kind: "conflict"; current: KeyValue };

export interface ListOptions {
  /** As of this revision; default: now. */
  revision?: Revision;
  /** Only keys after this one. */
  after?: string;
  limit?: number;
}
export type ListOutcome =
  | { kind: "listed"; items: readonly KeyValue[]; revision: Revision; remaining: number }
  | { kind: "compacted"; compactedRevision: Revision }
  | { kind: "future"; revision: Revision };

export interface StorageEvent {
  readonly type: "created" | "updated" | "deleted";
  readonly item: KeyValue;
  /** The value before; absent on `created`. */
  readonly previous?: KeyValue;
}

/** Called after COMMIT, in revision order, with all events of one commit under the prefix. Must not throw. */
export type Deliver = (events: readonly StorageEvent[]) => void;

export type WatchOutcome =
  | { kind: "watching"; stop(): void }
  | { kind: "compacted"; compactedRevision: Revision }
  | { kind: "future"; revision: Revision };

/**
 * A revisioned key-value store. Reads answer from memory at once. Writes queue; once per turn of the event loop the
 * queue runs in order in one transaction, each compare seeing its predecessors, and is answered after COMMIT. If COMMIT
 * fails every member rejects with StorageError and nothing has changed.
 */
export interface Storage {
  /** Revision of the last committed write. */
  readonly revision: Revision;
  /** History at or below this is gone; 0 when all is kept. */
  readonly compactedRevision: Revision;
  get(key: string): KeyValue | undefined;
  /** Keys under `prefix`, in byte order. */
  list(prefix: string, options?: ListOptions): ListOutcome;
  count(prefix: string): number;
  create(key: string, encode: Encode, companions?: Companions): Promise<CreateOutcome>;
  /** `expected` is the revision the caller read. */
  update(key: string, encode: Encode, expected: Revision, companions?: Companions): Promise<UpdateOutcome>;
  delete(key: string, encode: Encode, expected: Revision, companions?: Companions): Promise<DeleteOutcome>;
  /** Every event under `prefix` after `after`, no gap, no repeat: history first, in the same call, then live. */
  watch(prefix: string, after: Revision, deliver: Deliver): WatchOutcome;
  /** Forgets history at or below `revision` (current values stay). */
  compact(revision: Revision): Promise<void>;
  /** Undefined when healthy; else why the last commit failed (for /readyz). */
  health(): string | undefined;
  close(): Promise<void>;
}

export type StorageErrorReason = "full" | "busy" | "corrupt" | "closed" | "failed";

/** The write did not happen. Mapped to a Status by the registry (`full` → 507-like InternalError text of a real server). */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly reason: StorageErrorReason;
  constructor(reason: StorageErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
