import { expect, test } from "@jest/globals";
import { SIMULATION_START_MS, VirtualClock } from "../../simulation/virtual-clock.js";
import { clockFault } from "./clock-fault.js";
import { SkewableClock } from "./skewable-clock.js";

function aClock() {
  const master = new VirtualClock();
  const clock = new SkewableClock(master);
  return { master, clock, fault: clockFault(clock, master), errorMs: () => clock.nowMs() - master.nowMs() };
}

test("a skewed clock jumps, and back when it is healed; timers do not notice", () => {
  const { master, clock, fault, errorMs } = aClock();
  let firedAtMs = 0;
  clock.setTimer(1000, () => (firedAtMs = master.monotonicMs()));

  const heal = fault.inject({ offsetMs: 90_000 });
  expect(errorMs()).toBe(90_000);
  master.step();
  expect(firedAtMs).toBe(1000);
  heal();

  expect(clock.nowMs()).toBe(SIMULATION_START_MS + 1000);
});

test("a drifting clock fires its timers early", () => {
  const { master, clock, fault } = aClock();
  fault.inject({ drift: 1 });
  let firedAtMs = 0;
  clock.setTimer(1000, () => (firedAtMs = master.monotonicMs()));

  master.step();

  expect(firedAtMs).toBe(500);
});

test("a strobing clock jumps to and fro, and is right again once healed, wherever it was", () => {
  const { master, fault, errorMs } = aClock();

  const heal = fault.inject({ offsetMs: 5000, strobeMs: 100 });
  const seen = [errorMs()];
  for (let i = 0; i < 3; i++) {
    master.step();
    seen.push(errorMs());
  }
  heal();

  expect(seen).toEqual([5000, 0, 5000, 0]);
  expect(errorMs()).toBe(0);
  expect(master.pending).toBe(0);
});

test("a clock cannot run backwards", () => {
  const { fault, errorMs } = aClock();

  expect(() => fault.inject({ drift: -1 })).toThrow(RangeError);
  expect(errorMs()).toBe(0);
});
