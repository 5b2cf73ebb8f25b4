import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hashOfSeed, type SeedTable, STANDARD_SEEDS, sourcesHash } from "../simulation/seed-table.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const table = JSON.parse(readFileSync(new URL("./seeds.json", import.meta.url), "utf8")) as SeedTable;
/** Histories change with the program: then the table says nothing until `npm run seeds` writes it anew. */
const isCurrent = table.sources === sourcesHash(ROOT);

/** A neighbour that takes the processor away for moments, at most so long. */
const BUSY = "const end = Date.now() + 30000; while (Date.now() < end);";
let busy: ReturnType<typeof spawn>;
beforeAll(() => {
  busy = spawn(process.execPath, ["-e", BUSY], { stdio: "ignore" });
});
afterAll(() => void busy.kill("SIGKILL"));

const runs = Object.entries(STANDARD_SEEDS).flatMap(([scenario, seeds]) =>
  seeds.slice(0, 2).map((seed) => [scenario, seed] as const),
);

test.each(runs)(
  "%s, seed %s, has the same history in every run, on every machine and Node.js, whatever else runs",
  async (scenario, seed) => {
    const first = await hashOfSeed(ROOT, scenario, seed);
    const expected = isCurrent ? table.hashes[scenario]?.[seed] : await hashOfSeed(ROOT, scenario, seed);

    expect(first).toBe(expected);
  },
  120_000,
);

test("another seed has another history", () => {
  const hashes = Object.values(table.hashes).flatMap((bySeed) => Object.values(bySeed));

  expect(new Set(hashes).size).toBe(hashes.length);
});
