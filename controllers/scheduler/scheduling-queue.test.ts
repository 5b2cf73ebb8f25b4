import { expect, test } from "@jest/globals";
import type { Pod } from "../../machinery/api/core-v1.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { SchedulingQueue } from "./scheduling-queue.js";

const aPod = (name: string, priority = 0): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" },
  spec: { containers: [], restartPolicy: "Always", priority },
  status: { phase: "Pending" },
});
const CPU = new Set(["NodeResourcesFit"]);

function aQueue() {
  const clock = new VirtualClock();
  const queue = new SchedulingQueue(clock);
  const controller = new AbortController();
  const pop = async (): Promise<string | undefined> => (await queue.pop(controller.signal))?.metadata.name;
  return { clock, queue, pop, controller, scheduler: new SimulationScheduler(clock) };
}

test("pods are tried by priority, then in the order in which they came", async () => {
  const { queue, pop } = aQueue();
  for (const pod of [aPod("a"), aPod("b", 10), aPod("c"), aPod("d", 10)]) queue.set(pod, false);
  expect([await pop(), await pop(), await pop(), await pop()]).toEqual(["b", "d", "a", "c"]);
});

test("a pod that fits nowhere waits for a change that concerns what rejected it", async () => {
  const { queue, pop, controller, scheduler } = aQueue();
  queue.set(aPod("a"), false);
  await pop();
  queue.failUnschedulable("default/a", CPU);
  const next = pop();
  queue.clusterChanged(["TaintToleration"]);
  await scheduler.run(10_000);
  expect(queue.unschedulableCount).toBe(1);
  queue.clusterChanged(["NodeResourcesFit"]);
  expect(await next).toBe("a");
  controller.abort();
});

test("after five minutes a pod is tried again even if nothing changed", async () => {
  const { clock, queue, pop, scheduler } = aQueue();
  queue.set(aPod("a"), false);
  await pop();
  queue.failUnschedulable("default/a", CPU);
  expect(await scheduler.settle(pop())).toBe("a");
  expect(clock.monotonicMs()).toBe(300_000);
});

test("a pod whose binding failed backs off one second, then two, up to ten", async () => {
  const { clock, queue, pop, scheduler } = aQueue();
  queue.set(aPod("a"), false);
  const waits: number[] = [];
  await pop();
  for (let i = 0; i < 6; i++) {
    const failedMs = clock.monotonicMs();
    queue.failError("default/a");
    await scheduler.settle(pop());
    waits.push(clock.monotonicMs() - failedMs);
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("a pod deleted while it waits is not tried", async () => {
  const { queue, pop, controller } = aQueue();
  queue.set(aPod("a"), false);
  queue.set(aPod("b"), false);
  queue.delete("default/a");
  expect(await pop()).toBe("b");
  const next = pop();
  controller.abort();
  expect(await next).toBeUndefined();
});
