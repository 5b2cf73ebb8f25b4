import { expect, test } from "@jest/globals";
import type { Pod, Service } from "../machinery/api/core-v1.js";
import { TriggerTimes } from "./trigger-time.js";

const KEY = "default/web";
const time = (second: number): string => `2026-03-01T00:00:${String(second).padStart(2, "0")}Z`;
const aService = (second: number) => ({ metadata: { creationTimestamp: time(second) } }) as Service;
/** A pod whose readiness changed at this second. */
const aPod = (name: string, second?: number) =>
  ({
    metadata: { name },
    status: {
      conditions:
        second === undefined ? [] : [{ type: "Ready", status: "True", lastTransitionTime: time(second) }],
    },
  }) as unknown as Pod;

test("a new Service's endpoints answer its creation, or a pod that was ready before", () => {
  expect(new TriggerTimes().compute(KEY, aService(5), [])).toBe(time(5));
  expect(new TriggerTimes().compute(KEY, aService(5), [aPod("a", 3), aPod("b", 9)])).toBe(time(3));
});

test("later, they answer the earliest change since the last look", () => {
  const times = new TriggerTimes();
  times.compute(KEY, aService(1), [aPod("a", 2), aPod("b", 3)]);
  expect(times.compute(KEY, aService(1), [aPod("a", 8), aPod("b", 7), aPod("c")])).toBe(time(7));
  expect(times.compute(KEY, aService(1), [aPod("a", 8), aPod("b", 7), aPod("c")])).toBeUndefined();
  expect(times.compute(KEY, aService(1), [aPod("a", 8), aPod("c", 9)])).toBe(time(9));
});

test("a pod that went carries no time of its own", () => {
  const times = new TriggerTimes();
  times.compute(KEY, aService(1), [aPod("a", 2), aPod("b", 3)]);
  expect(times.compute(KEY, aService(1), [aPod("a", 2)])).toBeUndefined();
});

test("a Service that was deleted and made again begins anew", () => {
  const times = new TriggerTimes();
  times.compute(KEY, aService(1), [aPod("a", 2)]);
  times.forget(KEY);
  expect(times.compute(KEY, aService(6), [aPod("a", 2)])).toBe(time(2));
});
