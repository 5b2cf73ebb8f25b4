import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { checkers } from "../checkers.js";
import { faults } from "../faults.js";
import { explain } from "./explain.js";
import { scenarioReference } from "./reference.js";
import { scenarioSchema } from "./schema.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const vocabulary = { faults, checkers };

/** `jest -u chaos/scenario/schema.test.ts` writes the file anew, as it does with snapshots. */
const isUpdate = (): boolean =>
  (expect.getState() as unknown as { snapshotState: { _updateSnapshot: string } }).snapshotState
    ._updateSnapshot === "all";

test.each([
  ["docs/scenario.schema.json", () => `${JSON.stringify(scenarioSchema(vocabulary), undefined, 2)}\n`],
  ["docs/scenario-reference.md", () => scenarioReference(vocabulary)],
])("%s is the one of this version (jest -u chaos/scenario writes it)", (path, make) => {
  const file = join(root, path);
  if (isUpdate()) writeFileSync(file, make());

  expect(readFileSync(file, "utf8")).toBe(make());
});

test("the schema lets editors complete fields, names of faults and their parameters", () => {
  const text = JSON.stringify(scenarioSchema(vocabulary));

  for (const word of [
    "perSecond",
    "kill-pod",
    "gracePeriodSeconds",
    "request-budget",
    "deployment/web available",
  ])
    expect(text).toContain(word);
});

test("explain tells of everything, of one fault, of one invariant and of a field", () => {
  expect(explain(vocabulary)).toMatch(/kill-pod +deletes pods/);
  expect(explain(vocabulary, "kill-pod")).toContain("gracePeriodSeconds <number>");
  expect(explain(vocabulary, "request-budget")).toContain("INVARIANT: request-budget");
  expect(explain(vocabulary, "traffic")).toContain("perSecond <number> (default 10)");
  expect(explain(vocabulary, "spec.faults.target.mode")).toContain("random-max-percent");
  expect(() => explain(vocabulary, "kil-pod")).toThrow('did you mean "kill-pod"?');
});
