import { afterAll, expect, test } from "@jest/globals";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../machinery/api/logger.js";
import { FaultPoints } from "../../machinery/runtime/fault-points.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { flipBit } from "./flip-bit.js";
import { openSqliteStorage } from "./sqlite-storage.js";
import { StoreFaults } from "./store-faults.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-store-faults-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
const bytes = (text: string) => () => Buffer.from(text);

class Killed extends Error {}

/** A store that can be broken; a killed process is an exception here. */
async function aStore() {
  const clock = new VirtualClock();
  const file = join(dir, `${files++}.db`);
  const points = new FaultPoints({ clock, enabled: true });
  const faults = new StoreFaults({
    clock,
    rng: seededRng(1),
    schedule: queueMicrotask,
    crash: () => {
      throw new Killed();
    },
  });
  faults.define(points);
  const open = () => ({
    file,
    clock,
    logger: silentLogger,
    durability: "full" as const,
    historyMs: 3_600_000,
  });
  const storage = await openSqliteStorage({ ...open(), faults });
  return {
    clock,
    file,
    storage,
    heal: () => points.heal("a"),
    inject: (parameters: Record<string, unknown>) =>
      points.inject({ id: "a", point: "store", parameters, endsAtMs: clock.nowMs() + 60_000 }),
    /** What the next process finds: the files as they are now. */
    reopened: async () => {
      const copy = join(dir, `${files++}.db`);
      copyFileSync(file, copy);
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
      return openSqliteStorage({ ...open(), file: copy });
    },
  };
}

test("a full disk refuses a large write with SQLite's own error, changes nothing, and takes it once there is room", async () => {
  const { storage, inject, heal } = await aStore();
  await storage.create("/a", bytes("1"));
  inject({ full: true });

  await expect(storage.create("/big", () => Buffer.alloc(1_000_000))).rejects.toMatchObject({
    reason: "full",
  });
  expect([storage.revision, storage.get("/big")]).toEqual([1, undefined]);
  heal();

  expect(await storage.create("/big", () => Buffer.alloc(1_000_000))).toMatchObject({ kind: "created" });
  await storage.close();
});

test("a locked store refuses every commit until it is healed", async () => {
  const { storage, inject, heal } = await aStore();
  inject({ busy: true });

  await expect(storage.create("/a", bytes("1"))).rejects.toMatchObject({ reason: "busy" });
  heal();

  expect(await storage.create("/a", bytes("1"))).toMatchObject({ item: { revision: 1 } });
  await storage.close();
});

test("a slow disk answers writes late, all of one queue at once", async () => {
  const { storage, clock, inject } = await aStore();
  inject({ fsyncMs: 300 });
  const answered: number[] = [];

  const writes = ["/a", "/b"].map((key) =>
    storage.create(key, bytes("1")).then(() => answered.push(clock.monotonicMs())),
  );
  await Promise.resolve();
  expect(answered).toEqual([]);
  clock.step();
  await Promise.all(writes);

  expect(answered).toEqual([300, 300]);
  await storage.close();
});

test("a process killed in the middle of a commit leaves nothing of it, and everything before it", async () => {
  const { storage, inject, reopened } = await aStore();
  await storage.create("/a", bytes("1"));
  inject({ crash: "torn" });

  const writes = ["/b", "/c"].map((key) => storage.create(key, bytes("2")));
  await Promise.allSettled(writes);

  const again = await reopened();
  expect([again.revision, again.count("/")]).toEqual([1, 1]);
  await again.close();
});

test("a process killed between commit and answer has made the write that nobody was told of", async () => {
  const { storage, inject, reopened } = await aStore();
  inject({ crash: "written" });

  await Promise.allSettled([storage.create("/a", bytes("1"))]);

  const again = await reopened();
  expect(again.get("/a")).toMatchObject({ revision: 1 });
  await again.close();
});

test("a bit that turns over in a stopped store is found at the next start by its checksum", async () => {
  const { storage, file } = await aStore();
  await storage.create("/a", bytes("some value"));
  await storage.create("/b", bytes("another one"));
  await storage.close();

  flipBit(file, 0.7);

  await expect(
    openSqliteStorage({
      file,
      clock: new VirtualClock(),
      logger: silentLogger,
      durability: "full",
      historyMs: 3_600_000,
    }),
  ).rejects.toMatchObject({ reason: "corrupt", message: expect.stringContaining("revision 2 of /b") });
});
