import { expect, test } from "@jest/globals";
import { jsonOf, number, type Outcome, tableOf } from "./report.js";

const outcome: Outcome = {
  benchmark: "creates",
  title: "Durable creates",
  seconds: 1.5,
  measures: [
    {
      name: "32 clients",
      unit: "/s",
      values: [900, 1000, 1100],
      floors: [
        { name: "bare HTTPS", values: [2000] },
        { name: "raw SQLite", values: [4000] },
      ],
      aim: { text: "at least half", met: true },
    },
  ],
};

test("a report line holds median, range, first floor, ratio and aim; further floors follow below", () => {
  const [header, , title, first, second] = tableOf([outcome]).split("\n");
  expect(header).toMatch(/MEASURE +RESULT +\(RANGE\) +UNIT +FLOOR/);
  expect(title).toBe("Durable creates (creates, 1.5 s)");
  expect(first).toMatch(
    /32 clients +1,000 +\(900-1,100\) +\/s +bare HTTPS +2,000 +0\.50x +at least half: met$/,
  );
  expect(second).toMatch(/^ +raw SQLite +4,000 +0\.25x$/);
});

test("a benchmark that could not run says why", () => {
  const failed: Outcome = { benchmark: "x", title: "X", seconds: 0, measures: [], failure: "no such part" };
  expect(tableOf([failed])).toContain("could not run: no such part");
});

test("the JSON has medians and ratios worked out", () => {
  expect(jsonOf([outcome])).toMatchObject([
    { benchmark: "creates", measures: [{ median: 1000, floors: [{ median: 2000, ratio: 0.5 }, {}] }] },
  ]);
});

test("numbers have three digits, thousands in groups", () => {
  expect([0.12345, 9.996, 42.46, 1234.5, 1_234_567].map(number)).toEqual([
    "0.123",
    "10",
    "42.5",
    "1,235",
    "1,234,567",
  ]);
});
