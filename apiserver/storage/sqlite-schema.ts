import { copyFileSync } from "node:fs";
import type { Database } from "better-sqlite3";
import { StorageError } from "./storage.js";

/** One entry per version of the schema: what leads there from the version before. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE revisions (
     revision INTEGER PRIMARY KEY,
     key      TEXT    NOT NULL,
     -- Revision of the creation this row belongs to.
     created  INTEGER NOT NULL,
     -- Row of the same key before this one, a deletion's included; 0: none is kept.
     previous INTEGER NOT NULL,
     deleted  INTEGER NOT NULL,
     at_ms    INTEGER NOT NULL,
     value    BLOB    NOT NULL,
     checksum INTEGER NOT NULL
   ) STRICT;
   -- Two writes on top of the same row cannot both be stored.
   CREATE UNIQUE INDEX revisions_by_key ON revisions (key, previous);
   CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO meta VALUES ('compacted', 0);`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a file to the current schema, after copying an older one; refuses a newer one. */
export function migrate(db: Database, file: string): void {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    throw new StorageError(
      "failed",
      `${file} has schema version ${version}, this program knows up to ${SCHEMA_VERSION}`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  if (version > 0) copyFileSync(file, `${file}.v${version}.bak`);
  db.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).exclusive();
}
