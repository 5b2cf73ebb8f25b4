import { afterAll, expect, test } from "@jest/globals";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { silentLogger } from "../../machinery/api/logger.js";
import { storageSuite } from "../../tests/conformance/storage-suite.js";
import { StorageEngine } from "./engine.js";
import { noJournal } from "./journal.js";
import { toStorageError } from "./sqlite-errors.js";
import { openSqliteStorage, type SqliteStorageOptions } from "./sqlite-storage.js";
import { StorageError } from "./storage.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-storage-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
const newFile = (): string => join(dir, `${files++}.db`);
let nowMs = 1_000_000;
const options = (file: string): SqliteStorageOptions => ({
  file,
  clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
  logger: silentLogger,
  durability: "relaxed",
  historyMs: 3_600_000,
});
const bytes = (text: string) => () => Buffer.from(text);

storageSuite("SQLite storage", () => openSqliteStorage(options(newFile())));
storageSuite("SQLite storage whose history is read from the file", () =>
  openSqliteStorage({ ...options(newFile()), window: { events: 1, bytes: 1 } }),
);

test("a store that is opened again has its keys, its counter and its history", async () => {
  const file = newFile();
  const first = await openSqliteStorage({ ...options(file), durability: "full" });
  await first.create("/a", bytes("1"));
  await first.create("/b", bytes("2"));
  await first.update("/a", bytes("3"), 1);
  await first.delete("/b", bytes("4"), 2);
  await first.close();

  const again = await openSqliteStorage(options(file));
  expect([again.revision, again.count("/")]).toEqual([4, 1]);
  const types: string[] = [];
  again.watch("/", 1, (events) =>
    types.push(...events.map((event) => `${event.type} ${event.item.revision}`)),
  );
  expect(types).toEqual(["created 2", "updated 3", "deleted 4"]);
  expect(again.list("/", { revision: 2 })).toMatchObject({ items: [{ key: "/a" }, { key: "/b" }] });
  expect(await again.create("/b", bytes("5"))).toMatchObject({ item: { revision: 5 } });
  await again.close();
});

test("every acknowledged write is in the file and its log before the answer", async () => {
  const file = newFile();
  const storage = await openSqliteStorage({ ...options(file), durability: "full" });
  await Promise.all(Array.from({ length: 50 }, (_, i) => storage.create(`/k${i}`, bytes("v"))));
  await storage.update("/k0", bytes("w"), 1);
  // What a killed process leaves: the file and its write-ahead log as they are now.
  const copy = newFile();
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  await storage.close();

  const survivor = await openSqliteStorage(options(copy));
  expect([survivor.revision, survivor.count("/")]).toEqual([51, 50]);
  await survivor.close();
});

test("a second opener is told who has the file", async () => {
  const file = newFile();
  const owner = { pid: 4242, address: "https://127.0.0.1:6443" };
  const storage = await openSqliteStorage({ ...options(file), owner });
  await expect(openSqliteStorage(options(file))).rejects.toThrow(
    `${file} is in use by process 4242 (https://127.0.0.1:6443)`,
  );
  await storage.close();
  await (await openSqliteStorage(options(file))).close();
});

test("a row that changed on disk is found at the start", async () => {
  const file = newFile();
  const storage = await openSqliteStorage(options(file));
  await storage.create("/pods/a", bytes("value"));
  await storage.close();
  const db = new Database(file);
  db.exec("UPDATE revisions SET value = x'56414c5545'");
  db.close();
  await expect(openSqliteStorage(options(file))).rejects.toMatchObject({
    reason: "corrupt",
    message: "the database is damaged: revision 1 of /pods/a fails its checksum",
  });
});

test("a file that is no database, and one of a later schema, are refused", async () => {
  const file = newFile();
  writeFileSync(file, "this is not a database, however long it is made to be ".repeat(40));
  await expect(openSqliteStorage(options(file))).rejects.toMatchObject({ reason: "corrupt" });
  const later = newFile();
  const db = new Database(later);
  db.pragma("user_version = 99");
  db.close();
  await expect(openSqliteStorage(options(later))).rejects.toThrow(
    `${later} has schema version 99, this program knows up to 1`,
  );
});

test("two rows on top of the same row cannot both be stored", async () => {
  const file = newFile();
  const storage = await openSqliteStorage(options(file));
  await storage.create("/a", bytes("1"));
  await storage.update("/a", bytes("2"), 1);
  await storage.close();
  const db = new Database(file);
  expect(() => db.exec("INSERT INTO revisions VALUES (3, '/a', 1, 1, 0, 0, x'00', 0)")).toThrow("UNIQUE");
  db.close();
});

test("a full disk fails the writes of the turn, changes nothing, and is said until a commit works", async () => {
  const file = newFile();
  const storage = await openSqliteStorage(options(file));
  await storage.create("/a", bytes("1"));
  await storage.close();
  const db = new Database(file);
  const pages = db.pragma("page_count", { simple: true }) as number;
  db.close();
  // SQLite answers SQLITE_FULL at its own bound on pages just as it does for ENOSPC.
  const limited = await openSqliteStorage({ ...options(file), largestPageCount: pages });
  const events: unknown[] = [];
  limited.watch("/", 1, (batch) => events.push(...batch));
  const big = limited.create("/big", () => Buffer.alloc(1_000_000));
  const small = limited.update("/a", bytes("2"), 1);
  await expect(big).rejects.toMatchObject({ reason: "full" });
  await expect(small).rejects.toMatchObject({ reason: "full" });
  expect([limited.revision, limited.count("/"), events]).toEqual([1, 1, []]);
  expect(limited.health()).toContain("no space left");
  expect(await limited.update("/a", bytes("2"), 1)).toMatchObject({ item: { revision: 2 } });
  expect(limited.health()).toBeUndefined();
  await limited.close();
});

test("SQLite's codes become reasons", () => {
  const reasonOf = (code: string) => toStorageError(Object.assign(new Error("x"), { code })).reason;
  expect(
    ["SQLITE_FULL", "SQLITE_BUSY_SNAPSHOT", "SQLITE_CORRUPT_VTAB", "SQLITE_ERROR"].map(reasonOf),
  ).toEqual(["full", "busy", "corrupt", "failed"]);
});

test("a commit that fails for any reason fails all its members alike", async () => {
  const storage = new StorageEngine({
    journal: {
      ...noJournal,
      commit() {
        throw new StorageError("busy", "busy");
      },
    },
    clock: { nowMs: () => 0 },
    logger: silentLogger,
    schedule: queueMicrotask,
    historyMs: Infinity,
  });
  const outcomes = await Promise.allSettled([
    storage.create("/a", bytes("1")),
    storage.create("/a", bytes("2")),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect([storage.revision, storage.get("/a")]).toEqual([0, undefined]);
});

test("history older than asked is forgotten as writes go on, current values are not", async () => {
  const file = newFile();
  const storage = await openSqliteStorage({ ...options(file), historyMs: 1000 });
  await storage.create("/kept", bytes("k"));
  await storage.create("/a", bytes("v"));
  for (let i = 0; i < 40; i++) {
    nowMs += 100;
    await storage.update("/a", bytes(`v${i}`), storage.get("/a")?.revision ?? 0);
  }
  expect(storage.compactedRevision).toBeGreaterThan(25);
  expect(storage.compactedRevision).toBeLessThan(35);
  expect(storage.list("/", { revision: 3 })).toMatchObject({ kind: "compacted" });
  const { revision, compactedRevision } = storage;
  await storage.close();

  const again = await openSqliteStorage({ ...options(file), historyMs: 1000 });
  expect([again.revision, again.compactedRevision, again.count("/")]).toEqual([
    revision,
    compactedRevision,
    2,
  ]);
  await again.close();
});

test("the files of a store, which hold Secrets, are readable by their owner alone", async () => {
  const file = newFile();
  const first = await openSqliteStorage(options(file));
  await first.create("/a", bytes("1"));
  for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  await first.close();
  chmodSync(file, 0o644);
  const second = await openSqliteStorage(options(file));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await second.close();
});
