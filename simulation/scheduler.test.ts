import { expect, test } from "@jest/globals";
import { SimulationScheduler } from "./scheduler.js";
import { VirtualClock } from "./virtual-clock.js";

/** What is done before the first timer fires, when the run is begun from `begin`. */
async function order(begin: (run: () => void) => void): Promise<string[]> {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  const seen: string[] = [];
  clock.setTimer(1, () => seen.push("timer"));
  await new Promise<void>((resolve, reject) => {
    begin(() => {
      const work = (async () => {
        for (let i = 0; i < 100; i++) await Promise.resolve();
        seen.push("work");
      })();
      Promise.all([scheduler.run(10), work]).then(() => resolve(), reject);
    });
  });
  return seen;
}

test("everything that is runnable runs before time moves, wherever the run is begun", async () => {
  const expected = ["work", "timer"];

  expect(await order((run) => run())).toEqual(expected);
  expect(await order((run) => process.nextTick(run))).toEqual(expected);
  expect(await order((run) => queueMicrotask(run))).toEqual(expected);
  expect(await order((run) => setImmediate(run))).toEqual(expected);
});
