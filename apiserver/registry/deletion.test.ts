import { describe, expect, test } from "@jest/globals";
import type { DeleteOptions, KubeObject, ObjectMeta } from "../../machinery/api/meta-v1.js";
import { completesDeletion, planDeletion } from "./deletion.js";
import type { Strategy } from "./serve.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const object = (metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "", ...metadata },
});
const graceful: Strategy = { gracePeriodSeconds: (_, asked) => asked ?? 30 };
const plan = (thing: KubeObject, options: DeleteOptions = {}, strategy: Strategy = {}) =>
  planDeletion(thing, options, strategy, NOW);
const marked = (planned: ReturnType<typeof plan>): ObjectMeta => {
  if (planned.kind !== "mark") throw new Error(planned.kind);
  return planned.metadata;
};

describe("deleting", () => {
  test("removes at once what nothing holds", () => {
    expect(plan(object())).toEqual({ kind: "remove" });
    expect(plan(object({ finalizers: ["orphan"] }), { propagationPolicy: "Background" })).toEqual({
      kind: "remove",
    });
  });

  test("marks what a finalizer holds, with no grace and a raised generation", () => {
    const metadata = marked(plan(object({ finalizers: ["a/b"], generation: 2 })));
    expect(metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      generation: 3,
      finalizers: ["a/b"],
    });
  });

  test("keeps the time of the first delete", () => {
    const first = { deletionTimestamp: "2025-12-31T00:00:00Z", deletionGracePeriodSeconds: 0, generation: 2 };
    const metadata = marked(plan(object({ ...first, finalizers: ["a/b"] })));
    expect(metadata).toMatchObject(first);
  });

  test("waits for the grace period, which only gets shorter", () => {
    const metadata = marked(plan(object(), {}, graceful));
    expect(metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:30Z",
      deletionGracePeriodSeconds: 30,
    });
    const leaving = object(metadata);
    expect(plan(leaving, { gracePeriodSeconds: 31 }, graceful)).toEqual({ kind: "pending" });
    expect(plan(leaving, {}, graceful)).toEqual({ kind: "pending" });
    expect(marked(plan(leaving, { gracePeriodSeconds: 10 }, graceful))).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:10Z",
      deletionGracePeriodSeconds: 10,
    });
    expect(plan(leaving, { gracePeriodSeconds: 0 }, graceful)).toMatchObject({
      kind: "mark",
      thenRemove: true,
    });
  });

  test("without grace still waits for finalizers", () => {
    const held = object({ finalizers: ["a/b"] });
    expect(plan(held, { gracePeriodSeconds: 0 }, graceful)).toMatchObject({
      kind: "mark",
      thenRemove: false,
    });
  });

  test("puts the finalizer of its propagation policy", () => {
    expect(marked(plan(object(), { propagationPolicy: "Foreground" })).finalizers).toEqual([
      "foregroundDeletion",
    ]);
    expect(marked(plan(object(), { orphanDependents: true })).finalizers).toEqual(["orphan"]);
    const both = object({ finalizers: ["foregroundDeletion", "a/b"] });
    expect(marked(plan(both, { propagationPolicy: "Orphan" })).finalizers).toEqual(["a/b", "orphan"]);
    expect(marked(plan(both)).finalizers).toEqual(["foregroundDeletion", "a/b"]);
  });

  test("is completed by the update that removes the last thing to wait for", () => {
    const old = object({ deletionTimestamp: "x", deletionGracePeriodSeconds: 0, finalizers: ["a/b"] });
    expect(completesDeletion(object(), old, {})).toBe(true);
    expect(completesDeletion(object({ finalizers: ["a/b"] }), old, {})).toBe(false);
    expect(completesDeletion(object(), object({ finalizers: ["a/b"] }), {})).toBe(false);
    const running = object({ deletionTimestamp: "x", deletionGracePeriodSeconds: 30 });
    expect(completesDeletion(object(), running, graceful)).toBe(false);
    expect(completesDeletion(object(), old, { holdsDeletion: () => true })).toBe(false);
  });
});
