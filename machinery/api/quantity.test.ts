import { expect, test } from "@jest/globals";
import { canonicalQuantity, parseQuantity, quantityMilliValue, quantityValue } from "./quantity.js";

test.each([
  ["0.5", "500m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["1024Mi", "1Gi"],
  ["0.5Gi", "512Mi"],
  ["1.5Ki", "1536"],
  ["128974848", "128974848"],
  ["129e6", "129e6"],
  ["1e3", "1e3"],
  ["129M", "129M"],
  ["1000k", "1M"],
  ["0", "0"],
  ["-1Gi", "-1Gi"],
  [2, "2"],
  [0.1, "100m"],
  ["100u", "100u"],
  ["1n", "1n"],
  ["0.1n", "1n"],
])("%s is written %s", (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});

test.each(["", "abc", "1.2.3", "1Zi", "Mi", "1 Gi", "--1", "1e", "."])("%j is no quantity", (text) => {
  expect(parseQuantity(text)).toBeUndefined();
});

test("values are rounded up to the unit asked for", () => {
  expect(quantityMilliValue("0.5")).toBe(500);
  expect(quantityValue("1Gi")).toBe(1073741824);
  expect(quantityValue("1100m")).toBe(2);
  expect(quantityValue(undefined)).toBe(0);
});
