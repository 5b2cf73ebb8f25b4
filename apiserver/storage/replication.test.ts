import { expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { memoryStorage } from "./memory-storage.js";
import { feed, Replica } from "./replication.js";
import type { StorageEvent } from "./storage.js";

const bytes = (text: string) => () => Buffer.from(text);
const settle = async (): Promise<void> => {
  for (let i = 0; i < 100; i++) await Promise.resolve();
};

async function aReplica(lagMs: number) {
  const clock = new VirtualClock();
  const leader = memoryStorage({ clock, logger: silentLogger });
  await leader.create("/a", bytes("1"));
  await leader.create("/gone", bytes("x"));
  await leader.delete("/gone", bytes("x"), 2);
  const stop = new AbortController();
  const replica = await Replica.start(
    {
      clock,
      logger: silentLogger,
      lagMs,
      historyMs: 3_600_000,
      feed: (after, signal) => feed(leader, after, signal),
    },
    stop.signal,
  );
  const running = replica.run(stop.signal);
  const pass = async (): Promise<void> => {
    await settle();
    clock.step();
    await settle();
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await settle();
    clock.step();
    await running;
  };
  return { clock, leader, replica, pass, end };
}

test("a replica begins with the leader's state, at its revision", async () => {
  const { replica, end } = await aReplica(0);

  expect(replica.storage.revision).toBe(3);
  expect(replica.storage.get("/a")).toMatchObject({ revision: 1, createRevision: 1 });
  expect(replica.storage.get("/gone")).toBeUndefined();
  expect(replica.storage.list("/", { revision: 2 })).toMatchObject({ kind: "compacted" });
  await end();
});

test("a lagging replica answers with the past until its lag is over, and its watches see every write once and in order", async () => {
  const { clock, leader, replica, pass, end } = await aReplica(700);
  const seen: StorageEvent[] = [];
  replica.storage.watch("/", 3, (events) => seen.push(...events));

  await leader.update("/a", bytes("2"), 1);
  await leader.create("/b", bytes("3"));
  await leader.delete("/a", bytes("2"), 4);
  await settle();
  expect(Buffer.from(replica.storage.get("/a")?.value ?? []).toString()).toBe("1");
  expect(replica.waiting).toBe(3);
  await pass();

  expect(clock.monotonicMs()).toBe(700);
  expect(replica.storage.get("/a")).toBeUndefined();
  expect(replica.storage.revision).toBe(6);
  expect(seen.map(({ type, item }) => `${type} ${item.key} ${item.revision}`)).toEqual([
    "updated /a 4",
    "created /b 5",
    "deleted /a 6",
  ]);
  await end();
});
