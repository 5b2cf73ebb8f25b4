import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { checklistDocument, type JestReport, type RowResult, resultsOf } from "./checklist/document.js";
import { ROWS } from "./checklist/rows.js";

// The founding checklist is whole: a test for each row, and a page that tells of exactly these.

const FOLDER = "tests/checklist";
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));

/** The rows that the files have tests of, as they stand there. */
const tested = files.flatMap((name) =>
  [...readFileSync(join(FOLDER, name), "utf8").matchAll(/^(?:row|kubectlRow)\((\d+),/gm)].map((match) => ({
    number: Number(match[1]),
    file: `${FOLDER}/${name}`,
  })),
);

test("every row from 1 to 80 has exactly one test", () => {
  const numbers = tested.map(({ number }) => number).sort((a, b) => a - b);
  expect(numbers).toEqual(ROWS.map((_, i) => i + 1));
  expect(ROWS).toHaveLength(80);
});

test("docs/checklist.md lists exactly these rows and tests, and every one passed; else: npm run checklist", () => {
  const results = tested
    .map((each): RowResult => ({ ...each, result: "passed" }))
    .sort((a, b) => a.number - b.number);
  expect(readFileSync("docs/checklist.md", "utf8")).toBe(checklistDocument(results));
});

test("a row without a test, with two, or with one that failed is not passed over", () => {
  const report = (titles: readonly string[], status = "passed"): JestReport => ({
    testResults: [{ name: "/repo/a.test.ts", assertionResults: titles.map((title) => ({ title, status })) }],
  });
  const titles = ROWS.map((_, i) => `checklist ${i + 1}: something`);
  expect(() => resultsOf(report(titles.slice(1)), "/repo/")).toThrow("row 1 has 0 tests, not one");
  expect(() => resultsOf(report([...titles, "checklist 7: again"]), "/repo/")).toThrow(
    "row 7 has 2 tests, not one",
  );
  const [first] = resultsOf(report(titles, "failed"), "/repo/");
  expect(first).toEqual({ number: 1, file: "a.test.ts", result: "failed" });
});
