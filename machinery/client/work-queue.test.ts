import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { WorkQueue } from "./work-queue.js";

function aQueue() {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock });
  const controller = new AbortController();
  const items = queue.items(controller.signal);
  const next = async (): Promise<string | undefined> => (await items.next()).value as string | undefined;
  return { clock, queue, controller, next, scheduler: new SimulationScheduler(clock) };
}

test("a key added many times is handed out once", async () => {
  const { queue, next } = aQueue();
  for (let i = 0; i < 5; i++) queue.add("a");
  queue.add("b");
  expect(await next()).toBe("a");
  expect(await next()).toBe("b");
  expect(queue.length).toBe(0);
});

test("a key added while it is worked on waits until that work is done", async () => {
  const { queue, next } = aQueue();
  queue.add("a");
  expect(await next()).toBe("a");
  queue.add("a");
  expect(queue.length).toBe(0);
  queue.done("a");
  expect(queue.length).toBe(1);
  expect(await next()).toBe("a");
});

test("failures of a key wait 5 ms, then twice as long each time, until it succeeds", async () => {
  const { clock, queue, next, scheduler } = aQueue();
  const waits: number[] = [];
  for (let i = 0; i < 4; i++) {
    const startMs = clock.monotonicMs();
    queue.addRateLimited("a");
    await scheduler.settle(next());
    waits.push(clock.monotonicMs() - startMs);
    queue.done("a");
  }
  queue.forget("a");
  const startMs = clock.monotonicMs();
  queue.addRateLimited("a");
  await scheduler.settle(next());
  expect([...waits, clock.monotonicMs() - startMs]).toEqual([5, 10, 20, 40, 5]);
});

test("the earliest of several delays for a key counts", async () => {
  const { clock, queue, next, scheduler } = aQueue();
  queue.addAfter("a", 1000);
  queue.addAfter("a", 100);
  queue.addAfter("a", 500);
  await scheduler.settle(next());
  expect(clock.monotonicMs()).toBe(100);
  queue.done("a");
  await scheduler.run(2000);
  expect(queue.length).toBe(0);
});

test("aborting ends the readers and cancels what is delayed", async () => {
  const { clock, queue, controller, next } = aQueue();
  const waiting = next();
  queue.addAfter("later", 1000);
  controller.abort();
  expect(await waiting).toBeUndefined();
  expect(clock.pending).toBe(0);
});
