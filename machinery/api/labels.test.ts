import { describe, expect, test } from "@jest/globals";
import { parseSelector } from "./label-parser.js";
import { formatSelector, matchesLabels, NOTHING, SelectorError, toSelector } from "./labels.js";

const matches = (selector: string, labels: Record<string, string> | undefined): boolean =>
  matchesLabels(parseSelector(selector), labels);

const refusal = (selector: string): string => {
  try {
    parseSelector(selector);
  } catch (err) {
    if (err instanceof SelectorError) return err.message;
    throw err;
  }
  return "";
};

describe("label selectors", () => {
  test("choose by equality, sets and presence", () => {
    const labels = { app: "web", tier: "front", replicas: "3" };
    for (const selector of [
      "",
      "app=web",
      "app==web",
      "app!=db",
      "other!=x",
      "app in (db, web)",
      "app notin (db)",
      "other notin (db)",
      "app",
      "!other",
      "replicas>2",
      "replicas<4",
      " app = web , tier in (front) ",
    ])
      expect([selector, matches(selector, labels)]).toEqual([selector, true]);
    for (const selector of ["app=db", "app!=web", "app notin (web)", "!app", "other", "replicas>3", "app>1"])
      expect([selector, matches(selector, labels)]).toEqual([selector, false]);
  });

  test("see inherited names as absent", () => {
    expect(matches("constructor", {})).toBe(false);
    expect(matches("app", undefined)).toBe(false);
  });

  test("take an empty place in a set as the empty value", () => {
    expect(parseSelector("a in ()").requirements).toEqual([{ key: "a", operator: "in", values: [""] }]);
    expect(parseSelector("a in (,b)").requirements).toEqual([
      { key: "a", operator: "in", values: ["", "b"] },
    ]);
    expect(matches("a=", { a: "" })).toBe(true);
  });

  test("may use in and notin as keys and values", () => {
    expect(matches("in=notin", { in: "notin" })).toBe(true);
    expect(matches("in in (in)", { in: "in" })).toBe(true);
  });

  test("are refused in labels.Parse's words", () => {
    expect(refusal("a=b,")).toBe("found '', expected: identifier after ','");
    expect(refusal("a in b")).toBe("unable to parse requirement: found 'b' expected: '('");
    expect(refusal("a b")).toBe(
      "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    );
    expect(refusal(",a")).toBe("found ',', expected: !, identifier, or 'end of string'");
    expect(refusal("a in (b")).toBe("unable to parse requirement: found '', expected: ',' or ')'");
    expect(refusal("a>b")).toContain("for 'Gt', 'Lt' operators, the value must be an integer");
    expect(refusal("-a=b")).toContain('key: Invalid value: "-a": name part must consist of');
  });

  test("print as they are read", () => {
    for (const text of ["a=b", "a!=b", "a in (b,c)", "a notin (b)", "a", "!a", "a>1", "a=b,c"])
      expect(formatSelector(parseSelector(text))).toBe(text);
  });

  test("of an object: absent selects nothing, empty selects all", () => {
    expect(toSelector(undefined)).toBe(NOTHING);
    expect(matchesLabels(toSelector(undefined), {})).toBe(false);
    expect(matchesLabels(toSelector({}), {})).toBe(true);
    const selector = toSelector({
      matchLabels: { app: "web" },
      matchExpressions: [{ key: "tier", operator: "NotIn", values: ["back"] }],
    });
    expect(formatSelector(selector)).toBe("app=web,tier notin (back)");
  });
});
