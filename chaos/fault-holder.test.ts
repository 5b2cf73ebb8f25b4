import { expect, test } from "@jest/globals";
import { silentLogger } from "../machinery/api/logger.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { type Fault, defineFault } from "./fault.js";
import { FaultHolder } from "./fault-holder.js";
import { memoryJournal } from "./fault-journal.js";
import type { Reach } from "./reach.js";

/** A lamp that faults switch off, and how often healing still fails. */
function aWorld(more: Partial<Fault<string>> = {}) {
  const clock = new VirtualClock();
  const journal = memoryJournal();
  const dark = new Set<unknown>();
  const world = { failures: 0, journaledAtInjection: 0 };
  const fault = defineFault<string>({
    name: "lamp-off",
    summary: "",
    layer: "resource",
    targets: "none",
    parameters: {},
    choose: () => Promise.resolve<string | undefined>("lamp"),
    inject: async (_reach, target) => {
      world.journaledAtInjection = journal.entries().length;
      dark.add(target);
    },
    heal: async (_reach, target) => {
      if (world.failures-- > 0) throw new Error("no hands");
      dark.delete(target);
    },
    ...more,
  });
  const reach = { clock, signal: new AbortController().signal } as unknown as Reach;
  const holder = (): FaultHolder =>
    new FaultHolder({ faults: [fault], reach, journal, logger: silentLogger });
  const request = { id: "a", fault: "lamp-off", target: "lamp", endsAtMs: clock.nowMs() + 1000 };
  return { clock, journal, dark, world, holder, request };
}

/** Fires timers until nothing is pending. */
async function runOut(clock: VirtualClock): Promise<void> {
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 20; j++) await Promise.resolve();
    clock.step();
  }
}

test("a fault is in the journal before it is injected, and leaves it when its time is over", async () => {
  const { clock, journal, dark, world, holder, request } = aWorld();

  const held = await holder().hold(request);
  expect(world.journaledAtInjection).toBe(1);
  expect(dark.size).toBe(1);
  await runOut(clock);

  expect((await held.healed).atMs).toBe(request.endsAtMs);
  expect(dark.size).toBe(0);
  expect(journal.entries()).toEqual([]);
});

test("another holder heals what a killed one left in the journal", async () => {
  const { journal, dark, holder, request } = aWorld();
  await holder().hold(request);

  expect(await holder().healLeftovers()).toBe(1);

  expect(dark.size).toBe(0);
  expect(journal.entries()).toEqual([]);
});

test("healing that fails is tried again", async () => {
  const { clock, world, dark, holder, request } = aWorld();
  const held = await holder().hold(request);
  world.failures = 3;
  await runOut(clock);

  expect(await held.healed).toEqual({ atMs: request.endsAtMs + 700 });
  expect(dark.size).toBe(0);
});

test("healing that never succeeds stays in the journal and says why", async () => {
  const { clock, journal, world, holder, request } = aWorld();
  const held = await holder().hold(request);
  world.failures = 1000;
  await runOut(clock);

  expect(await held.healed).toMatchObject({ error: "no hands" });
  expect(journal.entries()).toHaveLength(1);
});

test("two faults on one target are refused, and the first goes on", async () => {
  const { dark, holder, request } = aWorld();
  const one = holder();
  await one.hold(request);

  await expect(one.hold({ ...request, id: "b" })).rejects.toThrow('is held by fault "lamp-off" (a)');
  expect(dark.size).toBe(1);
});

test("an injection that fails half-way is healed and reported", async () => {
  const { journal, holder, request } = aWorld({
    inject: () => Promise.reject(new RangeError("no lamp there")),
  });

  await expect(holder().hold(request)).rejects.toThrow("no lamp there");
  expect(journal.entries()).toEqual([]);
});

test("a momentary fault is over with its injection", async () => {
  const { journal, holder, request } = aWorld({ momentary: true });

  const held = await holder().hold(request);

  expect((await held.healed).error).toBeUndefined();
  expect(journal.entries()).toEqual([]);
});

test("what could not be healed is told, and healed when somebody asks again", async () => {
  const { clock, dark, world, holder, request } = aWorld();
  world.failures = 8;
  const faults = holder();
  await faults.hold(request);
  expect(faults.open).toMatchObject([{ id: "a", state: "held" }]);
  await runOut(clock);
  expect(faults.open).toMatchObject([{ id: "a", state: "not-healed" }]);

  expect(await faults.heal("another")).toEqual([]);
  expect(await faults.heal("a")).toEqual([{ id: "a", fault: "lamp-off", atMs: clock.nowMs() }]);

  expect(dark.size).toBe(0);
  expect(faults.open).toEqual([]);
});
