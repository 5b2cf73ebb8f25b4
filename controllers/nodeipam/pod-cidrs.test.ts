import { expect, test } from "@jest/globals";
import { nextFree, parseRange, rangeFor } from "./pod-cidrs.js";

test("pod CIDRs are the /24s from 10.244.0.0 on, and one given back comes last", () => {
  const range = rangeFor(3);
  const first = nextFree(range, new Set());
  expect(first?.cidr).toBe("10.244.0.0/24");
  const second = nextFree(range, new Set(["10.244.0.0/24"]), first?.next);
  expect(second?.cidr).toBe("10.244.1.0/24");
  expect(nextFree(range, new Set(), second?.next)?.cidr).toBe("10.244.2.0/24");
});

test.each([
  [256, 256, "10.244.0.0/24"],
  [257, 1024, "10.244.0.0/24"],
  [1025, 8192, "10.244.0.0/24"],
])("%i nodes get a range of %i", (nodes, count, first) => {
  const range = rangeFor(nodes);
  expect(range.count).toBe(count);
  expect(nextFree(range, new Set())?.cidr).toBe(first);
});

test("a range that is used up gives nothing", () => {
  const range = parseRange("10.1.0.0/23");
  if (!range) throw new Error("not parsed");
  expect(nextFree(range, new Set(["10.1.0.0/24", "10.1.1.0/24"]), 1)).toBeUndefined();
  expect(parseRange("10.1.0.0/25")).toBeUndefined();
  expect(parseRange("nonsense")).toBeUndefined();
});
