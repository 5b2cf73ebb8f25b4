import { expect, test } from "@jest/globals";
import { chiSquare, upperGamma } from "./chi-square.js";

test("the chance of a chi-square value is that of the tables", () => {
  // One, two, ten and ninety-nine degrees of freedom at five in a hundred.
  expect(upperGamma(0.5, 3.841459 / 2)).toBeCloseTo(0.05, 6);
  expect(upperGamma(1, 5.991465 / 2)).toBeCloseTo(0.05, 6);
  expect(upperGamma(5, 18.307038 / 2)).toBeCloseTo(0.05, 6);
  expect(upperGamma(49.5, 123.225221 / 2)).toBeCloseTo(0.05, 6);
});

test("even counts are as likely as can be, and one-sided ones are not", () => {
  expect(chiSquare([100, 100, 100], [100, 100, 100])).toEqual({ statistic: 0, p: 1 });
  expect(chiSquare([120, 90, 90], [100, 100, 100]).statistic).toBeCloseTo(6, 10);
  expect(chiSquare([120, 90, 90], [100, 100, 100]).p).toBeCloseTo(0.0497871, 6);
  expect(chiSquare([300, 0, 0], [100, 100, 100]).p).toBeLessThan(1e-100);
});

test("one endpoint alone has nothing to be uneven with", () => {
  expect(chiSquare([10], [10]).p).toBe(1);
});
