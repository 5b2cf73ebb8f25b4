import { expect, test } from "@jest/globals";
import { StorageEngine } from "../apiserver/storage/engine.js";
import { silentLogger } from "../machinery/api/logger.js";
import { FaultPoints } from "../machinery/runtime/fault-points.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { storageSuite } from "../tests/conformance/storage-suite.js";
import { SimulatedDisk } from "./simulated-disk.js";
import { VirtualClock } from "./virtual-clock.js";

const open = (disk: SimulatedDisk, kill = (): void => {}): StorageEngine =>
  new StorageEngine({
    journal: disk.open(kill),
    clock: { nowMs: () => 0 },
    logger: silentLogger,
    schedule: queueMicrotask,
    historyMs: Infinity,
    window: { events: Infinity, bytes: Infinity },
  });
const value = () => Buffer.from("x");

storageSuite("simulated disk", async () => open(new SimulatedDisk({ rng: seededRng(1) })));

function aDisk(durability: "full" | "relaxed" = "full") {
  const clock = new VirtualClock();
  const disk = new SimulatedDisk({ rng: seededRng(1), durability });
  const points = new FaultPoints({ clock, enabled: true });
  disk.defineFaults(points);
  const inject = (parameters: Record<string, unknown>): void =>
    points.inject({ id: "a", point: "store", parameters, endsAtMs: clock.nowMs() + 60_000 });
  return { disk, points, inject };
}

/** What is there after the machine lost power behind a server that had answered ten writes. */
async function writesLeftAfterPowerLoss(durability: "full" | "relaxed"): Promise<number> {
  const { disk } = aDisk(durability);
  const storage = open(disk);
  for (let i = 0; i < 10; i++) expect((await storage.create(`/k/${i}`, value)).kind).toBe("created");
  disk.losePower();
  return open(disk).count("/k/");
}

test("a write that was acknowledged is there after the machine lost power", async () => {
  expect(await writesLeftAfterPowerLoss("full")).toBe(10);
});

test("a server that acknowledges before it syncs loses acknowledged writes with the power", async () => {
  expect(await writesLeftAfterPowerLoss("relaxed")).toBe(0);
});

test("a process that is killed leaves what it wrote, synced or not", async () => {
  const { disk } = aDisk("relaxed");
  await open(disk).create("/a", value);

  expect(open(disk).get("/a")).toBeDefined();
});

test.each(["written", "torn", "power-loss"])(
  "a crash in the middle of a commit (%s) answers nobody, and leaves a transaction whole or not at all",
  async (crash) => {
    const { disk, inject } = aDisk();
    let killed = 0;
    const storage = open(disk, () => killed++);
    await storage.create("/before", value);
    inject({ crash });

    const outcomes = await Promise.allSettled([storage.create("/a", value), storage.create("/b", value)]);

    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(killed).toBe(1);
    const after = open(disk);
    expect(after.get("/before")).toBeDefined();
    expect([0, 2]).toContain(after.count("/") - 1);
    if (crash !== "written") expect(after.count("/")).toBe(1);
    expect((await after.create("/c", value)).kind).toBe("created");
  },
);

test("a killed server that still runs its last line does not write into its successor's file", async () => {
  const { disk } = aDisk();
  const old = open(disk);
  const successor = open(disk);
  await successor.create("/a", value);

  await expect(old.create("/b", value)).rejects.toThrow("another process");
  expect(successor.get("/b")).toBeUndefined();
});

test("a full disk refuses writes and nothing changes until there is room again", async () => {
  const { disk, points, inject } = aDisk();
  const storage = open(disk);
  inject({ full: true });
  await expect(storage.create("/a", value)).rejects.toThrow("full");
  expect(storage.revision).toBe(0);

  points.heal("a");

  expect((await storage.create("/a", value)).kind).toBe("created");
});
