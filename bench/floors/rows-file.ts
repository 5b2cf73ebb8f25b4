import { crc32 } from "node:zlib";
import Database from "better-sqlite3";

export interface NewRow {
  key: string;
  value: Buffer;
}

/** A table like the API server's, with its durability: WAL, synchronous=FULL, one file of one owner. */
export function openRows(file: string): { commit(rows: readonly NewRow[]): number; close(): void } {
  const db = new Database(file);
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(`CREATE TABLE IF NOT EXISTS revisions (
    revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, previous INTEGER NOT NULL,
    deleted INTEGER NOT NULL, at_ms INTEGER NOT NULL, value BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS revisions_by_key ON revisions (key, previous)`);
  const insert = db.prepare("INSERT INTO revisions VALUES (?, ?, ?, 0, 0, ?, ?, ?)");
  let revision = 0;
  const write = db.transaction((rows: readonly NewRow[]) => {
    const atMs = Date.now();
    for (const { key, value } of rows) {
      revision += 1;
      insert.run(revision, key, revision, atMs, value, crc32(value));
    }
  });
  return {
    /** Answers the revision of the last row. */
    commit(rows) {
      write.immediate(rows);
      return revision;
    },
    close: () => db.close(),
  };
}
