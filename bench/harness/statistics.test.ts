import { expect, test } from "@jest/globals";
import { interleave, median, quantile } from "./statistics.js";

test("median and quantiles do not depend on the order of values", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(quantile(hundred, 0.5)).toBe(50);
  expect(quantile(hundred, 0.99)).toBe(99);
  expect(quantile(hundred, 1)).toBe(100);
  expect(quantile([], 0.5)).toBe(0);
});

test("rounds are interleaved and each starts with another variant", async () => {
  const order: string[] = [];
  const variant = <N extends string>(name: N) => ({
    name,
    run: (round: number): Promise<number> => {
      order.push(name);
      return Promise.resolve(round);
    },
  });
  const samples = await interleave([variant("a"), variant("b")], 3, new AbortController().signal);
  expect(order).toEqual(["a", "b", "b", "a", "a", "b"]);
  expect(samples).toEqual({ a: [0, 1, 2], b: [0, 1, 2] });
});
