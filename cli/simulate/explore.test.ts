import { expect, test } from "@jest/globals";
import { newScenario } from "../../chaos/scenario/defaults.js";
import type { Scenario } from "../../chaos/scenario/types.js";
import type { SeedSummary } from "../../simulation/causes.js";
import { explore, seedsFrom } from "./explore.js";
import type { SeedPool } from "./seed-pool.js";

const scenario = newScenario({ name: "test" });

/** Processes that answer at once: even seeds hold, odd ones fail, 7 is lost. */
function aPool() {
  const ran: string[] = [];
  const run = async ({ seed }: Scenario): Promise<SeedSummary> => {
    ran.push(seed);
    if (seed === "7") throw new Error("the process that ran seed 7 ended: SIGKILL");
    const cause = { invariant: "request-budget", text: "Connection refused" };
    const bad = Number(seed) % 2 === 1;
    return {
      seed,
      outcome: bad ? "violated" : "held",
      violations: bad ? [{ cause, example: `seed ${seed}` }] : [],
      hash: "",
      requests: 10,
      failedRequests: bad ? 1 : 0,
      faults: 1,
      simulatedMs: 1000,
    };
  };
  return { pool: { capacity: 4, run, close: () => {} } as unknown as SeedPool, ran };
}

test("every seed is run once, and a process that is lost costs its seed only", async () => {
  const { pool, ran } = aPool();

  const found = await explore({
    scenario,
    seeds: seedsFrom("3", 10),
    pool,
    signal: new AbortController().signal,
  });

  expect(ran).toEqual(["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
  expect(found).toMatchObject({ seeds: 10, held: 5, violated: 4, requests: 90, failedRequests: 4 });
  expect(found.couldNotRun.map(({ seed, error }) => [seed, error])).toEqual([
    ["7", "the process that ran seed 7 ended: SIGKILL"],
  ]);
  expect(found.causes).toMatchObject([{ seeds: 4, firstSeed: "3", example: "seed 3" }]);
});

test("Ctrl-C begins no further seed", async () => {
  const { pool, ran } = aPool();
  const stop = new AbortController();

  const found = await explore({
    scenario,
    seeds: seedsFrom("2", 1000),
    pool,
    signal: stop.signal,
    onSeed: () => stop.abort(),
  });

  expect(ran.length).toBeLessThan(10);
  expect(found.seeds).toBe(ran.length);
});

test("seeds count up from a number, and are numbered below a text", () => {
  expect(seedsFrom("7", 3)).toEqual(["7", "8", "9"]);
  expect(seedsFrom("night", 2)).toEqual(["night/0", "night/1"]);
  expect(seedsFrom("night", 1)).toEqual(["night"]);
});
