import { expect, test } from "@jest/globals";
import { BackOff } from "./back-off.js";
import { formatDuration } from "./durations.js";

test("the delay doubles from 10 s to 5 min and starts over after ten quiet minutes", () => {
  const backOff = new BackOff();
  const delays: string[] = [];
  let nowMs = 0;
  for (let i = 0; i < 7; i++) {
    backOff.next("a", nowMs, nowMs);
    delays.push(formatDuration(backOff.delayMs("a")));
    nowMs += backOff.delayMs("a");
  }
  expect(delays).toEqual(["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);

  const muchLaterMs = nowMs + 11 * 60_000;
  expect(backOff.remainingMs("a", muchLaterMs, muchLaterMs)).toBe(0);
  backOff.next("a", muchLaterMs, muchLaterMs);
  expect(backOff.delayMs("a")).toBe(10_000);
});

test("the wait counts from the end of the container", () => {
  const backOff = new BackOff();
  backOff.next("a", 0, 0);
  expect(backOff.remainingMs("a", 1000, 4000)).toBe(7000);
  expect(backOff.remainingMs("a", 1000, 12_000)).toBe(0);
  expect(backOff.remainingMs("b", 0, 0)).toBe(0);
});

test("durations are spelt as Go spells them", () => {
  expect([0, 12, 1500, 10_000, 80_000, 3_600_000].map(formatDuration)).toEqual([
    "0s",
    "12ms",
    "1.5s",
    "10s",
    "1m20s",
    "1h0m0s",
  ]);
});
