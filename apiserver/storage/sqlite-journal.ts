import { crc32 } from "node:zlib";
import type { Database } from "better-sqlite3";
import type { Journal, LoadedRow, PruneRange, Row } from "./journal.js";
import { keyAfter, prefixEnd } from "./key-index.js";
import type { BreakableFile } from "./store-faults.js";
import { toStorageError } from "./sqlite-errors.js";
import {
  type KeyValue,
  type ListOutcome,
  type Revision,
  StorageError,
  type StorageEvent,
} from "./storage.js";

interface SqlRow {
  revision: number;
  key: string;
  created: number;
  previous: number;
  deleted: number;
  at_ms: number;
  value: Buffer;
  checksum: number;
}

interface SqlEvent extends SqlRow {
  previous_created: number | null;
  previous_value: Buffer | null;
}

/** A watch that would have to read more of the file than this starts over with a list. */
const LARGEST_REPLAY_EVENTS = 50_000;
/** The largest that SQLite can address (SQLITE_MAX_PAGE_COUNT). */
const MOST_PAGES = 4_294_967_294;
/** Above every key in use: stands for "no end" in a range. */
const LAST_KEY = "\u{10ffff}";

const prepare = (db: Database) => ({
  insert: db.prepare(
    `INSERT INTO revisions (revision, key, created, previous, deleted, at_ms, value, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  ),
  all: db.prepare<[], SqlRow>("SELECT * FROM revisions ORDER BY revision"),
  compacted: db.prepare<[], { value: number }>("SELECT value FROM meta WHERE name = 'compacted'"),
  setCompacted: db.prepare("UPDATE meta SET value = ? WHERE name = 'compacted'"),
  dropSuperseded: db.prepare(
    `DELETE FROM revisions WHERE revision IN
       (SELECT previous FROM revisions WHERE revision > ? AND revision <= ? AND previous > 0)`,
  ),
  dropTombstones: db.prepare("DELETE FROM revisions WHERE revision > ? AND revision <= ? AND deleted = 1"),
  events: db.prepare<[number, number, string, string, number], SqlEvent>(
    `SELECT e.*, p.created AS previous_created, p.value AS previous_value
     FROM revisions e LEFT JOIN revisions p ON p.revision = e.previous
     WHERE e.revision > ? AND e.revision <= ? AND e.key >= ? AND e.key < ?
     ORDER BY e.revision LIMIT ?`,
  ),
  // A row was current at a revision when it is not newer and nothing that is not newer came on top of it.
  listAt: db.prepare<{ at: number; from: string; to: string; limit: number }, SqlRow>(
    `SELECT * FROM revisions r
     WHERE r.key >= :from AND r.key < :to AND r.revision <= :at AND r.deleted = 0 AND NOT EXISTS
       (SELECT 1 FROM revisions n WHERE n.key = r.key AND n.previous = r.revision AND n.revision <= :at)
     ORDER BY r.key LIMIT :limit`,
  ),
  countAt: db.prepare<{ at: number; from: string; to: string }, { count: number }>(
    `SELECT count(*) AS count FROM revisions r
     WHERE r.key >= :from AND r.key < :to AND r.revision <= :at AND r.deleted = 0 AND NOT EXISTS
       (SELECT 1 FROM revisions n WHERE n.key = r.key AND n.previous = r.revision AND n.revision <= :at)`,
  ),
});

/** Rows in a SQLite file that this process owns. */
export class SqliteJournal implements Journal, BreakableFile {
  readonly #db: Database;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #write: (rows: readonly Row[], atMs: number, prune: PruneRange | undefined) => void;

  constructor(db: Database) {
    this.#db = db;
    this.#sql = prepare(db);
    const write = db.transaction((rows: readonly Row[], atMs: number, prune: PruneRange | undefined) => {
      for (const row of rows) this.#insert(row, atMs);
      if (prune) this.#prune(prune);
    });
    this.#write = (rows, atMs, prune) => write.immediate(rows, atMs, prune);
  }

  load(each: (row: LoadedRow) => void): Revision {
    return mapped(() => {
      for (const row of this.#sql.all.iterate()) {
        if (checksumOf(row) !== row.checksum) {
          throw new StorageError(
            "corrupt",
            `the database is damaged: revision ${row.revision} of ${row.key} fails its checksum`,
          );
        }
        each({ item: toKeyValue(row), previous: row.previous, deleted: row.deleted === 1, atMs: row.at_ms });
      }
      return this.#sql.compacted.get()?.value ?? 0;
    });
  }

  commit(rows: readonly Row[], atMs: number, prune: PruneRange | undefined): void {
    mapped(() => this.#write(rows, atMs, prune));
  }

  limitPages(limited: boolean): void {
    const count = limited ? this.#db.pragma("page_count", { simple: true }) : MOST_PAGES;
    this.#db.pragma(`max_page_count = ${Number(count)}`);
  }

  writePart(rows: readonly Row[], atMs: number): void {
    this.#db.exec("BEGIN IMMEDIATE");
    for (const row of rows) this.#insert(row, atMs);
  }

  events(prefix: string, after: Revision, upTo: Revision): StorageEvent[] | undefined {
    const to = prefixEnd(prefix) ?? LAST_KEY;
    const rows = mapped(() => this.#sql.events.all(after, upTo, prefix, to, LARGEST_REPLAY_EVENTS + 1));
    return rows.length > LARGEST_REPLAY_EVENTS ? undefined : rows.map(toEvent);
  }

  listAt(
    prefix: string,
    { revision, after, limit }: { revision: Revision; after?: string; limit?: number },
  ): Extract<ListOutcome, { kind: "listed" }> {
    const start = after === undefined || after < prefix ? prefix : keyAfter(after);
    const range = { at: revision, from: start, to: prefixEnd(prefix) ?? LAST_KEY };
    return mapped(() => {
      const rows = this.#sql.listAt.all({ ...range, limit: limit || -1 });
      const total = limit && rows.length === limit ? this.#sql.countAt.get(range)?.count : undefined;
      return {
        kind: "listed",
        items: rows.map(toKeyValue),
        revision,
        remaining: (total ?? rows.length) - rows.length,
      };
    });
  }

  close(): void {
    mapped(() => this.#db.close());
  }

  #insert({ item, previous, deleted }: Row, atMs: number): void {
    const row: Omit<SqlRow, "checksum"> = {
      revision: item.revision,
      key: item.key,
      created: item.createRevision,
      previous,
      deleted: deleted ? 1 : 0,
      at_ms: Math.floor(atMs),
      value: item.value as Buffer,
    };
    this.#sql.insert.run(
      row.revision,
      row.key,
      row.created,
      row.previous,
      row.deleted,
      row.at_ms,
      row.value,
      checksumOf(row),
    );
  }

  #prune({ from, to }: PruneRange): void {
    this.#sql.dropSuperseded.run(from, to);
    this.#sql.dropTombstones.run(from, to);
    this.#sql.setCompacted.run(to);
  }
}

const checksumOf = (row: Omit<SqlRow, "checksum">): number =>
  crc32(
    row.value,
    crc32(`${row.revision} ${row.created} ${row.previous} ${row.deleted} ${row.at_ms} ${row.key}`),
  );

const toKeyValue = (row: SqlRow): KeyValue => ({
  key: row.key,
  value: row.value,
  revision: row.revision,
  createRevision: row.created,
});

function toEvent(row: SqlEvent): StorageEvent {
  const item = toKeyValue(row);
  if (row.created === row.revision) return { type: "created", item };
  const previous: KeyValue = {
    key: row.key,
    value: row.previous_value ?? row.value,
    revision: row.previous,
    createRevision: row.previous_created ?? row.created,
  };
  return { type: row.deleted === 1 ? "deleted" : "updated", item, previous };
}

function mapped<T>(run: () => T): T {
  try {
    return run();
  } catch (err) {
    throw toStorageError(err);
  }
}
