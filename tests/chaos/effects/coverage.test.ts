import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { faults } from "../../../chaos/faults.js";

const HERE = "tests/chaos/effects";

test("every fault that a scenario can name has a test that injects it and sees its effect", () => {
  const sources = readdirSync(HERE)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(HERE, name), "utf8"))
    .join("\n");
  const unseen = faults.filter(({ name }) => !new RegExp(`inject\\(\\s*"${name}"`).test(sources));

  expect(unseen.map(({ name }) => name)).toEqual([]);
});
