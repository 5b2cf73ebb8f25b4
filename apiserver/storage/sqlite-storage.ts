import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { laterThisTurn } from "../../machinery/runtime/later-this-turn.js";
import { StorageEngine, type EngineOptions } from "./engine.js";
import { readOwner, type StorageOwner, writeOwner } from "./owner.js";
import { toStorageError } from "./sqlite-errors.js";
import { SqliteJournal } from "./sqlite-journal.js";
import type { StoreFaults } from "./store-faults.js";
import { migrate } from "./sqlite-schema.js";
import { StorageError } from "./storage.js";

export interface SqliteStorageOptions extends Pick<EngineOptions, "onCommit" | "window"> {
  file: string;
  clock: Pick<Clock, "nowMs" | "monotonicMs">;
  logger: Logger;
  /** `full`: an acknowledged write survives a power cut. `relaxed`: only the end of the process. */
  durability: "full" | "relaxed";
  historyMs: number;
  schedule?: (run: () => void) => void;
  /** Told to whoever else tries to open the file. */
  owner?: StorageOwner;
  /** Writes beyond this many pages fail as on a full disk. */
  largestPageCount?: number;
  /** Lets the file be broken. */
  faults?: StoreFaults;
}

/**
 * Opens (or makes) the file and holds it until `close`. Rejects with StorageError: `busy`, naming the owner, when
 * another process holds it; `corrupt` when a row fails its checksum.
 */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<StorageEngine> {
  const { file, clock, logger, onCommit, window, faults } = options;
  const db = open(file, options.durability);
  try {
    migrate(db, file);
    if (options.largestPageCount) db.pragma(`max_page_count = ${options.largestPageCount}`);
    if (options.owner) writeOwner(file, options.owner);
    const journal = new SqliteJournal(db);
    return new StorageEngine({
      journal: faults ? faults.wrap(journal, journal) : journal,
      clock,
      logger,
      schedule: options.schedule ?? faults?.schedule ?? laterThisTurn,
      historyMs: options.historyMs,
      monotonicMs: () => clock.monotonicMs(),
      ...(onCommit ? { onCommit } : {}),
      ...(window ? { window } : {}),
    });
  } catch (err) {
    db.close();
    throw toStorageError(err);
  }
}

function open(file: string, durability: "full" | "relaxed"): Database.Database {
  let db: Database.Database | undefined;
  try {
    keepPrivate(file);
    db = new Database(file, { timeout: 0 });
    // Before anything else: SQLite then keeps its lock from the first transaction on, and needs no shared memory.
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("journal_mode = WAL");
    db.pragma(`synchronous = ${durability === "full" ? "FULL" : "OFF"}`);
    db.exec("BEGIN IMMEDIATE; COMMIT");
    return db;
  } catch (err) {
    db?.close();
    const failure = toStorageError(err);
    if (failure.reason !== "busy") throw new StorageError(failure.reason, `${file}: ${failure.message}`);
    const owner = readOwner(file);
    const who = owner ? `process ${owner.pid} (${owner.address})` : "another process";
    throw new StorageError("busy", `${file} is in use by ${who}`);
  }
}

/** Secrets are in it. SQLite gives its log beside the file the same mode. */
function keepPrivate(file: string): void {
  // Only a new file is opened here: closing one that SQLite has open would drop its locks.
  if (existsSync(file)) chmodSync(file, 0o600);
  else closeSync(openSync(file, "wx", 0o600));
}
