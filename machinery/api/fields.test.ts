import { describe, expect, test } from "@jest/globals";
import { FieldSelectorError, formatFieldSelector, matchesFields, parseFieldSelector } from "./fields.js";

describe("field selectors", () => {
  test("compare fields, an absent one being empty", () => {
    const fields = { "metadata.name": "web", "spec.nodeName": "" };
    for (const text of [
      "metadata.name=web",
      "metadata.name==web,spec.nodeName=",
      "status.phase!=Running",
      "",
    ])
      expect(matchesFields(parseFieldSelector(text), fields)).toBe(true);
    for (const text of ["metadata.name!=web", "spec.nodeName=node-1"])
      expect(matchesFields(parseFieldSelector(text), fields)).toBe(false);
  });

  test("escape commas, equals signs and backslashes", () => {
    const selector = parseFieldSelector("a=x\\,y\\=z\\\\");
    expect(selector.requirements).toEqual([{ field: "a", operator: "=", value: "x,y=z\\" }]);
    expect(formatFieldSelector(selector)).toBe("a=x\\,y\\=z\\\\");
  });

  test("that cannot be understood are refused", () => {
    expect(() => parseFieldSelector("nonsense")).toThrow(
      new FieldSelectorError("invalid selector: 'nonsense'; can't understand 'nonsense'"),
    );
    expect(() => parseFieldSelector("a=b=c")).toThrow(FieldSelectorError);
  });
});
