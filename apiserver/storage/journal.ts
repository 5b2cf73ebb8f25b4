import type { KeyValue, ListOutcome, Revision, StorageEvent } from "./storage.js";

/** One write as it is kept: a row per revision. */
export interface Row {
  readonly item: KeyValue;
  /** Revision of the row of this key before this one, a deletion's included; 0 when there is none. */
  readonly previous: Revision;
  readonly deleted: boolean;
}

/** What was found at the start, row by row in the order of revisions. */
export interface LoadedRow extends Row {
  readonly atMs: number;
}

/** History at or below `to` is to be forgotten; that at or below `from` already is. */
export interface PruneRange {
  from: Revision;
  to: Revision;
}

/**
 * Where the engine's rows outlive the process. All calls are synchronous; those that fail throw StorageError and have
 * changed nothing.
 */
export interface Journal {
  /** Calls `each` for every row, oldest first, and answers the revision below which history is gone. */
  load(each: (row: LoadedRow) => void): Revision;
  /** All of it durable, or nothing of it. */
  commit(rows: readonly Row[], atMs: number, prune: PruneRange | undefined): void;
  /** Events under `prefix` with `after < revision <= upTo`, oldest first; undefined when they are too many to read. */
  events(prefix: string, after: Revision, upTo: Revision): StorageEvent[] | undefined;
  /** What existed under a prefix at an old revision. */
  listAt(
    prefix: string,
    options: { revision: Revision; after?: string; limit?: number },
  ): Extract<ListOutcome, { kind: "listed" }>;
  close(): void;
}

/** For a store that ends with its process: the engine's own window holds all history. */
export const noJournal: Journal = {
  load: () => 0,
  commit() {},
  events: () => undefined,
  listAt: (_prefix, { revision }) => ({ kind: "listed", items: [], revision, remaining: 0 }),
  close() {},
};
