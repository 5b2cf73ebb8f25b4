import { describe, expect, test } from "@jest/globals";
import { applyJsonPatch, JsonPatchFailure } from "./json.js";
import { applyMergePatch } from "./merge.js";

describe("a JSON patch", () => {
  test("leaves the document it was given as it was", () => {
    const document = { a: { b: [1, 2] } };
    const patched = applyJsonPatch(document, [
      { op: "add", path: "/a/b/-", value: 3 },
      { op: "move", from: "/a/b/0", path: "/first" },
    ]);
    expect(patched).toEqual({ a: { b: [2, 3] }, first: 1 });
    expect(document).toEqual({ a: { b: [1, 2] } });
  });

  test("fails when a place is missing or a test does not hold", () => {
    for (const operation of [
      { op: "remove", path: "/none" },
      { op: "replace", path: "/none/x", value: 1 },
      { op: "test", path: "/a", value: 2 },
      { op: "frobnicate", path: "/a" },
      { op: "add", path: "/__proto__/polluted", value: 1 },
    ])
      expect(() => applyJsonPatch({ a: 1 }, [operation])).toThrow(JsonPatchFailure);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("that is no list is malformed", () => {
    expect(() => applyJsonPatch({}, { op: "add" })).toThrow(JsonPatchFailure);
  });
});

describe("a merge patch", () => {
  // The examples of RFC 7386, appendix A.
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("turns %j with %j into %j", (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });

  test("treats __proto__ as a key like any other", () => {
    const patched = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'));
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":1}}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test("copies that grow the document without end are refused before they do", () => {
  const doubling = Array.from({ length: 60 }, (_, i) => ({ op: "copy", from: "/a", path: `/a/${i}` }));
  const document = { a: { text: "x".repeat(100) } };
  expect(() => applyJsonPatch(document, doubling)).toThrow(
    /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
  );
  expect(document).toEqual({ a: { text: "x".repeat(100) } });
});
