import { StorageError, type StorageErrorReason } from "./storage.js";

const REASONS: readonly [prefix: string, reason: StorageErrorReason, message: string][] = [
  ["SQLITE_FULL", "full", "no space left for the database"],
  ["SQLITE_IOERR_WRITE", "full", "the database cannot be written"],
  ["SQLITE_IOERR_FSYNC", "failed", "the database cannot be made durable"],
  ["SQLITE_BUSY", "busy", "the database is in use by another process"],
  ["SQLITE_LOCKED", "busy", "the database is in use by another process"],
  ["SQLITE_CORRUPT", "corrupt", "the database is damaged"],
  ["SQLITE_NOTADB", "corrupt", "the file is not a database"],
  ["SQLITE_CANTOPEN", "failed", "the database cannot be opened"],
  ["SQLITE_READONLY", "failed", "the database cannot be written: it is read-only"],
];

/** The one reader of SQLite's error codes. */
export function toStorageError(err: unknown): StorageError {
  if (err instanceof StorageError) return err;
  const { code, message } = err as { code?: unknown; message?: string };
  const known = REASONS.find(([prefix]) => String(code).startsWith(prefix));
  return new StorageError(
    known?.[1] ?? "failed",
    `${known?.[2] ?? "the database failed"} (${String(code)}: ${message})`,
  );
}
