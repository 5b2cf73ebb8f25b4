import { createServer } from "node:net";
import { expect, test } from "@jest/globals";
import { SimulationScheduler } from "./scheduler.js";
import { VirtualClock } from "./virtual-clock.js";

test("timers fire in the order of time, and of setting where times are equal", async () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push("late"));
  clock.setTimer(10, () => fired.push("first"));
  clock.setTimer(10, () => fired.push("second"));
  const cancelled = clock.setTimer(5, () => fired.push("never"));
  cancelled.cancel();

  await new SimulationScheduler(clock).run(100);

  expect(fired).toEqual(["first", "second", "late"]);
  expect(clock.monotonicMs()).toBe(100);
  expect(clock.pending).toBe(0);
});

test("five minutes of waiting pass at once, and what a timer wakes runs before time moves on", async () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const loop = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await clock.sleep(100_000);
      seen.push(clock.monotonicMs());
    }
  };

  await new SimulationScheduler(clock).settle(loop());

  expect(seen).toEqual([100_000, 200_000, 300_000]);
});

test("an aborted sleep rejects at once and leaves no timer", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const sleeping = clock.sleep(1000, controller.signal);
  controller.abort(new Error("enough"));

  await expect(sleeping).rejects.toThrow("enough");
  expect(clock.pending).toBe(0);
});

test("a skewed clock reads ahead and drifts, over the same master", async () => {
  const clock = new VirtualClock();
  const fast = clock.view({ offsetMs: 1000, drift: 1 });
  const start = fast.nowMs();
  let firedAtMs = 0;
  fast.setTimer(100, () => {
    firedAtMs = clock.monotonicMs();
  });

  await new SimulationScheduler(clock).run(200);

  expect(start - clock.nowMs() + 200).toBe(1000);
  expect(firedAtMs).toBe(50);
  expect(fast.nowMs() - start).toBe(400);
});

test("the watchdog fails a run in which the program sets a timer of the machine", async () => {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  let outside: NodeJS.Timeout | undefined;
  clock.setTimer(5, () => {
    outside = setTimeout(() => {}, 60_000);
  });
  try {
    await expect(scheduler.run(10)).rejects.toThrow("setTimeout was called");
  } finally {
    clearTimeout(outside);
  }
});

test("the watchdog fails a run in which a socket of the machine is open", async () => {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await expect(scheduler.run(10)).rejects.toThrow("TCPServerWrap is active");
  } finally {
    server.close();
  }
});
