import { describe, expect, test } from "@jest/globals";
import type { Schema, Struct } from "../schema/schema.js";
import { applyStrategicMergePatch, StrategicPatchError } from "./strategic.js";

const struct = (fields: Record<string, Schema>): Schema => {
  const definition: Struct = {
    name: "test",
    goName: "Test",
    goPackage: "v1",
    fields: new Map(Object.entries(fields)),
    required: [],
  };
  return { type: "struct", struct: definition };
};
const text: Schema = { type: "string" };
const container = struct({ name: text, image: text, args: { type: "list", items: text } });
const schema = struct({
  containers: { type: "list", items: container, patchStrategies: ["merge"], patchMergeKey: "name" },
  finalizers: { type: "list", items: text, patchStrategies: ["merge"] },
  args: { type: "list", items: text },
  strategy: {
    ...struct({ type: text, rollingUpdate: { type: "map", items: text } }),
    patchStrategies: ["retainKeys"],
  },
  labels: { type: "map", items: text },
});
const apply = (target: unknown, patch: unknown): unknown => applyStrategicMergePatch(target, patch, schema);

const web = { name: "web", image: "nginx:1" };
const side = { name: "side", image: "busybox" };

describe("a strategic merge patch", () => {
  test("merges list elements by their key and keeps the others", () => {
    expect(
      apply({ containers: [web, side] }, { containers: [{ name: "side", image: "busybox:2" }] }),
    ).toEqual({
      containers: [web, { name: "side", image: "busybox:2" }],
    });
  });

  test("replaces lists that have no merge strategy", () => {
    expect(apply({ args: ["a", "b"] }, { args: ["c"] })).toEqual({ args: ["c"] });
  });

  test("adds to lists of plain values that merge, each value once", () => {
    expect(apply({ finalizers: ["a", "b"] }, { finalizers: ["b", "c"] })).toEqual({
      finalizers: ["a", "b", "c"],
    });
  });

  test("removes fields with null and elements with $patch: delete", () => {
    const patch = { labels: { gone: null }, containers: [{ name: "side", $patch: "delete" }] };
    expect(apply({ labels: { gone: "1", kept: "2" }, containers: [web, side] }, patch)).toEqual({
      labels: { kept: "2" },
      containers: [web],
    });
  });

  test("replaces maps and lists with $patch: replace", () => {
    expect(apply({ labels: { a: "1" } }, { labels: { $patch: "replace", b: "2" } })).toEqual({
      labels: { b: "2" },
    });
    expect(apply({ containers: [web] }, { containers: [{ $patch: "replace" }, side] })).toEqual({
      containers: [side],
    });
  });

  test("keeps only the keys of $retainKeys", () => {
    const target = { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "1" } } };
    expect(apply(target, { strategy: { $retainKeys: ["type"], type: "Recreate" } })).toEqual({
      strategy: { type: "Recreate" },
    });
  });

  test("deletes plain values with $deleteFromPrimitiveList", () => {
    expect(apply({ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a"] })).toEqual({
      finalizers: ["b"],
    });
  });

  test("orders with $setElementOrder, what only the server has keeping its place", () => {
    const injected = { name: "injected" };
    const patch = {
      "$setElementOrder/containers": [{ name: "side" }, { name: "web" }],
      containers: [{ name: "side", image: "busybox:3" }],
    };
    expect(apply({ containers: [injected, web, side] }, patch)).toEqual({
      containers: [injected, { name: "side", image: "busybox:3" }, web],
    });
    expect(apply({ finalizers: ["a", "b"] }, { "$setElementOrder/finalizers": ["b", "a"] })).toEqual({
      finalizers: ["b", "a"],
    });
  });

  test("drops directives and nulls from what it adds", () => {
    expect(apply({}, { labels: { $patch: "merge-less", a: "1", b: null } })).toEqual({ labels: { a: "1" } });
  });

  test("that makes no sense is refused", () => {
    for (const patch of [
      "text",
      { labels: { $patch: "sideways" } },
      { containers: [{ image: "no name" }] },
      { "$setElementOrder/containers": [{ name: "web" }], containers: [side] },
    ])
      expect(() => apply({ labels: {}, containers: [web] }, patch)).toThrow(StrategicPatchError);
  });

  test("changes neither of its arguments", () => {
    const target = { containers: [web], labels: { a: "1" } };
    const before = JSON.stringify(target);
    apply(target, { containers: [{ name: "web", image: "x" }], labels: { a: null } });
    expect(JSON.stringify(target)).toBe(before);
  });
});
