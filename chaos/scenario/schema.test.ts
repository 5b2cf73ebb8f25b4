import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { checkers } from "../checkers.js";
import { faults } from "../faults.js";
import { explain } from "./explain.js";
import { scenarioSchema } from "./schema.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const vocabulary = { faults, checkers };

/** `jest -u chaos/scenario/schema.test.ts` writes the file anew, as it does with snapshots. */
const isUpdate = (): boolean =>
  (expect.getState() as unknown as { snapshotState: { _updateSnapshot: string } }).snapshotState
    ._updateSnapshot === "all";

test("the published schema is the one of this version (jest -u chaos/scenario writes it)", () => {
  const file = join(root, "docs/scenario.schema.json");
  const schema = `${JSON.stringify(scenarioSchema(vocabulary), undefined, 2)}\n`;
  if (isUpdate()) writeFileSync(file, schema);

  expect(readFileSync(file, "utf8")).toBe(schema);
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
