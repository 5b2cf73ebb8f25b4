import { expect, test } from "@jest/globals";
import { nextFree, parseRanges, rangesFor } from "./pod-cidrs.js";

test("pod CIDRs are the /24s from 10.244.0.0 and the /64s from fd00:10:244:: on, and one given back comes last", () => {
  const [v4, v6] = rangesFor(3);
  if (!v4 || !v6) throw new Error("both families are wanted");
  const first = nextFree(v4, new Set());
  expect(first?.cidr).toBe("10.244.0.0/24");
  const second = nextFree(v4, new Set(["10.244.0.0/24"]), first?.next);
  expect(second?.cidr).toBe("10.244.1.0/24");
  expect(nextFree(v4, new Set(), second?.next)?.cidr).toBe("10.244.2.0/24");
  expect(nextFree(v6, new Set())?.cidr).toBe("fd00:10:244::/64");
  expect(nextFree(v6, new Set(["fd00:10:244::/64"]), 1)?.cidr).toBe("fd00:10:244:1::/64");
  expect(nextFree(v6, new Set(), 255)?.cidr).toBe("fd00:10:244:ff::/64");
});

test.each([
  [256, 256],
  [257, 1024],
  [1025, 8192],
])("%i nodes get ranges of %i", (nodes, count) => {
  const ranges = rangesFor(nodes);
  expect(ranges.map((range) => range.count)).toEqual([count, count]);
  expect(ranges.map((range) => nextFree(range, new Set())?.cidr)).toEqual([
    "10.244.0.0/24",
    "fd00:10:244::/64",
  ]);
});

test("a range that is used up gives nothing", () => {
  const [range] = parseRanges("10.1.0.0/23") ?? [];
  if (!range) throw new Error("not parsed");
  expect(nextFree(range, new Set(["10.1.0.0/24", "10.1.1.0/24"]), 1)).toBeUndefined();
});

test("ranges are one CIDR, or one of each family, the primary one first", () => {
  const ofNode1 = (text: string) => parseRanges(text)?.map((range) => nextFree(range, new Set())?.cidr);
  expect(ofNode1("10.1.0.0/16")).toEqual(["10.1.0.0/24"]);
  expect(ofNode1("fd01::/56,10.1.0.0/16")).toEqual(["fd01::/64", "10.1.0.0/24"]);
  for (const text of ["10.1.0.0/25", "nonsense", "10.1.0.0/16,10.2.0.0/16", "fd00::/65", "fd00::/40", ""])
    expect(parseRanges(text)).toBeUndefined();
});
