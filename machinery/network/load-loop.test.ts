import { expect, test } from "@jest/globals";
import { seededRng } from "../runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { type LoadPace, runLoadLoop } from "./load-loop.js";

const pace: LoadPace = {
  perSecond: 10,
  durationMs: 1000,
  clients: 1,
  loop: "open",
  thinkMs: { min: 0, max: 0 },
  rampMs: 0,
};

/** When requests were sent, if each takes so long. */
async function sentAt(given: Partial<LoadPace>, answerMs = 0): Promise<number[]> {
  const clock = new VirtualClock();
  const sent: number[] = [];
  const running = runLoadLoop(
    { ...pace, ...given },
    {
      clock,
      rng: seededRng(1),
      sleep: (ms) => clock.sleep(ms),
      signal: new AbortController().signal,
      send: async () => {
        sent.push(Math.round(clock.monotonicMs()));
        await clock.sleep(answerMs);
      },
    },
  );
  await new SimulationScheduler(clock).settle(running);
  return sent;
}

test("an open loop sends at its rate however slow the answers are", async () => {
  expect(await sentAt({}, 700)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
});

test("a closed loop waits for the answer and for its think time", async () => {
  expect(await sentAt({ loop: "closed" }, 250)).toEqual([0, 250, 500, 750]);
  expect(await sentAt({ loop: "closed", thinkMs: { min: 300, max: 300 } }, 100)).toEqual([0, 400, 800]);
});

test("a closed loop is no faster than its rate", async () => {
  expect(await sentAt({ loop: "closed", perSecond: 4 }, 1)).toEqual([0, 250, 500, 750]);
});

test("clients take turns, and each has the whole rate", async () => {
  expect((await sentAt({ clients: 2, perSecond: 2 })).sort((a, b) => a - b)).toEqual([0, 250, 500, 750]);
});

test("a ramp starts slowly and sends half of what it would", async () => {
  const sent = await sentAt({ rampMs: 1000, perSecond: 20 });

  expect(sent).toHaveLength(10);
  expect(sent[1]).toBeGreaterThan(200);
  expect((sent[9] ?? 0) - (sent[8] ?? 0)).toBeLessThan(70);
});
