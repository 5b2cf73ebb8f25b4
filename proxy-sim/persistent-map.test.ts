import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { PersistentMap } from "./persistent-map.js";

const key = fc.oneof(fc.constantFrom("a", "b", "c", "10.96.0.1:443/TCP"), fc.string());
const step = fc.record({ key, value: fc.option(fc.integer(), { nil: undefined }) });

test("a persistent map agrees with an ordinary one, old versions stay as they were, and diffs lead from one to the other", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(200), (steps, cut) => {
      const model = new Map<string, number>();
      let map = PersistentMap.empty<number>();
      let old = { map, model: new Map(model) };
      steps.forEach(({ key: name, value }, index) => {
        if (index === cut) old = { map, model: new Map(model) };
        if (value === undefined) {
          model.delete(name);
          map = map.without(name);
        } else {
          model.set(name, value);
          map = map.with(name, value);
        }
      });
      expect(new Map(map.entries())).toEqual(model);
      expect(map.size).toBe(model.size);
      expect(new Map(old.map.entries())).toEqual(old.model);
      const { set, removed } = old.map.diff(map);
      const replayed = new Map(old.model);
      for (const name of removed) replayed.delete(name);
      for (const [name, value] of set) replayed.set(name, value);
      expect(replayed).toEqual(model);
    }),
  );
});

test("keys whose hashes collide in every bit are told apart", () => {
  // FNV-1a, 32 bits: these two are a known collision.
  let map = PersistentMap.empty<number>().with("costarring", 1).with("liquid", 2);
  expect([map.get("costarring"), map.get("liquid")]).toEqual([1, 2]);
  map = map.without("costarring");
  expect([map.get("costarring"), map.get("liquid")]).toEqual([undefined, 2]);
});
