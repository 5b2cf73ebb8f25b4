import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { KeyValue, ListOutcome, Storage, StorageEvent } from "../../apiserver/storage/storage.js";

/** Opens an empty store; the suite closes it. */
export type OpenStorage = () => Promise<Storage>;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();
const valueAt = (name: string) => (revision: number) => bytes(`${name}@${revision}`);
const listed = (outcome: ListOutcome): [string, string][] => {
  if (outcome.kind !== "listed") throw new Error(outcome.kind);
  return outcome.items.map((item) => [item.key, text(item.value)]);
};
const seen = (events: readonly StorageEvent[]): string[] =>
  events.map(({ type, item, previous }) =>
    [type, item.key, text(item.value), ...(previous ? [`was ${text(previous.value)}`] : [])].join(" "),
  );

/** What every implementation of Storage does. */
export function storageSuite(name: string, openStorage: OpenStorage): void {
  const opened: Storage[] = [];
  const open = async (): Promise<Storage> => {
    const storage = await openStorage();
    opened.push(storage);
    return storage;
  };
  afterEach(async () => {
    for (const storage of opened.splice(0)) await storage.close();
  });

  describe(name, () => {
    test("an empty store is at revision 0", async () => {
      const storage = await open();
      expect([storage.revision, storage.compactedRevision]).toEqual([0, 0]);
      expect(storage.list("/pods/")).toEqual({ kind: "listed", items: [], revision: 0, remaining: 0 });
    });

    test("every write takes the next revision of the one counter", async () => {
      const storage = await open();
      const created = await storage.create("/pods/a", valueAt("a"));
      const other = await storage.create("/nodes/n", valueAt("n"));
      const updated = await storage.update("/pods/a", valueAt("a"), 1);
      expect(created).toMatchObject({ kind: "created", item: { revision: 1, createRevision: 1 } });
      expect(other).toMatchObject({ item: { revision: 2 } });
      expect(updated).toMatchObject({
        kind: "updated",
        item: { revision: 3, createRevision: 1 },
        previous: { revision: 1 },
      });
      expect(text(storage.get("/pods/a")?.value ?? bytes(""))).toBe("a@3");
      expect(storage.revision).toBe(3);
    });

    test("reads of an unchanged key answer the same object", async () => {
      const storage = await open();
      await storage.create("/pods/a", valueAt("a"));
      const first = storage.get("/pods/a");
      await storage.create("/pods/b", valueAt("b"));
      expect(storage.get("/pods/a")).toBe(first);
    });

    test("a key is created once", async () => {
      const storage = await open();
      const outcomes = await Promise.all([
        storage.create("/pods/a", valueAt("first")),
        storage.create("/pods/a", valueAt("second")),
      ]);
      expect(outcomes).toMatchObject([{ kind: "created" }, { kind: "exists", current: { revision: 1 } }]);
      expect(storage.revision).toBe(1);
    });

    test("of two updates of one revision one wins, in the same turn or later", async () => {
      const storage = await open();
      await storage.create("/pods/a", valueAt("a"));
      const outcomes = await Promise.all([
        storage.update("/pods/a", valueAt("x"), 1),
        storage.update("/pods/a", valueAt("y"), 1),
        storage.update("/pods/b", valueAt("z"), 1),
      ]);
      expect(outcomes).toMatchObject([
        { kind: "updated" },
        { kind: "conflict", current: { revision: 2 } },
        { kind: "missing" },
      ]);
      expect(await storage.update("/pods/a", valueAt("late"), 1)).toMatchObject({ kind: "conflict" });
    });

    test("a deleted key is gone, its deletion has a revision, and it can be created again", async () => {
      const storage = await open();
      await storage.create("/pods/a", valueAt("a"));
      expect(await storage.delete("/pods/a", valueAt("a"), 7)).toMatchObject({ kind: "conflict" });
      const outcome = await storage.delete("/pods/a", valueAt("end"), 1);
      expect(outcome).toMatchObject({ kind: "deleted", item: { revision: 2 }, previous: { revision: 1 } });
      expect(storage.get("/pods/a")).toBeUndefined();
      expect(await storage.delete("/pods/a", valueAt("a"), 2)).toEqual({ kind: "missing" });
      expect(await storage.create("/pods/a", valueAt("new"))).toMatchObject({
        item: { revision: 3, createRevision: 3 },
      });
      expect(await storage.delete("/pods/a", valueAt("end"), 3)).toMatchObject({ kind: "deleted" });
      expect(await storage.create("/pods/a", valueAt("third"))).toMatchObject({ kind: "created" });
    });

    test("create, update and delete of one key can share a turn", async () => {
      const storage = await open();
      const events: string[] = [];
      storage.watch("/", 0, (batch) => events.push(...seen(batch)));
      await Promise.all([
        storage.create("/a", valueAt("a")),
        storage.update("/a", valueAt("b"), 1),
        storage.delete("/a", valueAt("c"), 2),
        storage.create("/a", valueAt("d")),
      ]);
      expect(events).toEqual([
        "created /a a@1",
        "updated /a b@2 was a@1",
        "deleted /a c@3 was b@2",
        "created /a d@4",
      ]);
    });

    test("companions are written with the write that they belong to, or not at all", async () => {
      const storage = await open();
      const companions = (created: string[], deleted: string[]) => ({
        created: created.map((key) => ({ key, encode: valueAt("new") })),
        deleted: deleted.map((key) => ({ key, encode: () => valueAt("last") })),
      });
      const events: string[] = [];
      storage.watch("/", 0, (batch) => events.push(...seen(batch)));
      await storage.create("/svc/a", valueAt("a"), companions(["/ip/1"], []));
      await storage.create("/svc/a", valueAt("b"), companions(["/ip/2"], []));
      await storage.update("/svc/a", valueAt("a"), 7, companions(["/ip/3"], ["/ip/1"]));
      expect(events).toEqual(["created /ip/1 new@1", "created /svc/a a@2"]);
      await storage.update("/svc/a", valueAt("a"), 2, companions(["/ip/1", "/ip/2"], ["/ip/1", "/ip/9"]));
      await storage.delete("/svc/a", valueAt("a"), 4, companions([], ["/ip/2"]));
      expect(events.slice(2)).toEqual([
        "created /ip/2 new@3",
        "updated /svc/a a@4 was a@2",
        "deleted /ip/1 last@5 was new@1",
        "deleted /svc/a a@6 was a@4",
        "deleted /ip/2 last@7 was new@3",
      ]);
      expect(storage.count("/")).toBe(0);
    });

    test("an encoder that throws fails its own write alone and uses no revision", async () => {
      const storage = await open();
      const bad = storage.create("/a", () => {
        throw new Error("cannot encode");
      });
      const good = storage.create("/b", valueAt("b"));
      await expect(bad).rejects.toThrow("cannot encode");
      expect(await good).toMatchObject({ kind: "created", item: { revision: 1 } });
    });

    test("a list holds the keys of its prefix in order, in pages", async () => {
      const storage = await open();
      for (const key of ["/pods/b", "/pods/a", "/podsx", "/pods/c/d", "/pod"])
        await storage.create(key, valueAt("v"));
      expect(listed(storage.list("/pods/")).map(([key]) => key)).toEqual(["/pods/a", "/pods/b", "/pods/c/d"]);
      const page = storage.list("/pods/", { limit: 2 });
      expect(page).toMatchObject({ items: [{ key: "/pods/a" }, { key: "/pods/b" }], remaining: 1 });
      expect(storage.list("/pods/", { limit: 2, after: "/pods/b" })).toMatchObject({
        items: [{ key: "/pods/c/d" }],
        remaining: 0,
      });
      expect([storage.count("/pods/"), storage.count("/pod"), storage.count("")]).toEqual([3, 5, 5]);
    });

    test("pages of one list stay at its revision while keys come, change and go", async () => {
      const storage = await open();
      for (const key of ["/p/a", "/p/b", "/p/c", "/p/d"]) await storage.create(key, valueAt(key));
      const revision = storage.revision;
      const first = storage.list("/p/", { limit: 2 });
      await storage.update("/p/c", valueAt("changed"), 3);
      await storage.delete("/p/d", valueAt("gone"), 4);
      await storage.create("/p/bb", valueAt("new"));
      await storage.delete("/p/a", valueAt("gone"), 1);
      const rest = storage.list("/p/", { revision, after: "/p/b", limit: 1 });
      expect(first).toMatchObject({ remaining: 2 });
      expect(listed(rest)).toEqual([["/p/c", "/p/c@3"]]);
      expect(rest).toMatchObject({ revision, remaining: 1 });
      expect(listed(storage.list("/p/", { revision, after: "/p/c" }))).toEqual([["/p/d", "/p/d@4"]]);
    });

    test("a revision to come is answered as such", async () => {
      const storage = await open();
      expect(storage.list("/", { revision: 5 })).toEqual({ kind: "future", revision: 0 });
      expect(storage.watch("/", 5, () => {})).toEqual({ kind: "future", revision: 0 });
    });

    test("a watch sees history from its revision, then what comes, without gap or repeat", async () => {
      const storage = await open();
      await storage.create("/p/a", valueAt("a"));
      await storage.create("/q/x", valueAt("x"));
      await storage.update("/p/a", valueAt("a"), 1);
      const events: string[] = [];
      const outcome = storage.watch("/p/", 1, (batch) => events.push(...seen(batch)));
      expect(events).toEqual(["updated /p/a a@3 was a@1"]);
      await Promise.all([storage.create("/p/b", valueAt("b")), storage.create("/q/y", valueAt("y"))]);
      await storage.delete("/p/a", valueAt("a"), 3);
      if (outcome.kind === "watching") outcome.stop();
      await storage.create("/p/c", valueAt("c"));
      expect(events.slice(1)).toEqual(["created /p/b b@4", "deleted /p/a a@6 was a@3"]);
    });

    test("watchers see a write before its caller does, all of one turn at once", async () => {
      const storage = await open();
      const order: string[] = [];
      storage.watch("/", 0, (batch) => order.push(`watch ${batch.length}`));
      await Promise.all(
        ["/a", "/b"].map((key) => storage.create(key, valueAt("v")).then(() => order.push(`answer ${key}`))),
      );
      expect(order).toEqual(["watch 2", "answer /a", "answer /b"]);
    });

    test("a watch of one key, or of part of a name, sees what starts with it", async () => {
      const storage = await open();
      const events: string[] = [];
      storage.watch("/p/web", 0, (batch) => events.push(...batch.map(({ item }) => item.key)));
      for (const key of ["/p/web", "/p/web-1", "/p/we"]) await storage.create(key, valueAt("v"));
      expect(events).toEqual(["/p/web", "/p/web-1"]);
    });

    test("compacted history is refused, what is kept is not", async () => {
      const storage = await open();
      await storage.create("/a", valueAt("a"));
      await storage.update("/a", valueAt("b"), 1);
      await storage.create("/b", valueAt("b"));
      await storage.delete("/b", valueAt("b"), 3);
      await storage.update("/a", valueAt("c"), 2);
      await storage.compact(4);
      expect(storage.compactedRevision).toBe(4);
      expect(storage.list("/", { revision: 3 })).toEqual({ kind: "compacted", compactedRevision: 4 });
      expect(storage.watch("/", 3, () => {})).toEqual({ kind: "compacted", compactedRevision: 4 });
      expect(listed(storage.list("/", { revision: 4 }))).toEqual([["/a", "b@2"]]);
      const events: string[] = [];
      storage.watch("/", 4, (batch) => events.push(...seen(batch)));
      expect(events).toEqual(["updated /a c@5 was b@2"]);
      expect(await storage.create("/b", valueAt("again"))).toMatchObject({ kind: "created" });
      expect(await storage.update("/a", valueAt("d"), 5)).toMatchObject({ kind: "updated" });
    });

    test("a closed store refuses writes", async () => {
      const storage = await open();
      const pending = storage.create("/a", valueAt("a"));
      await storage.close();
      expect(await pending).toMatchObject({ kind: "created" });
      await expect(storage.create("/b", valueAt("b"))).rejects.toMatchObject({ reason: "closed" });
    });

    test("a few thousand keys keep their order", async () => {
      const storage = await open();
      const keys = Array.from({ length: 3000 }, (_, i) => `/k/${(i * 7919) % 3000}`);
      await Promise.all(keys.map((key) => storage.create(key, () => bytes("v"))));
      expect(listed(storage.list("/k/")).map(([key]) => key)).toEqual([...keys].sort());
      expect(storage.count("/k/1")).toBe(keys.filter((key) => key.startsWith("/k/1")).length);
    });

    test("any sequence of writes leaves what a plain model says, at every revision", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(anyWrite, { maxLength: 5 }), { maxLength: 25 }), async (turns) => {
          const storage = await openStorage();
          try {
            await checkAgainstModel(storage, turns);
          } finally {
            await storage.close();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

type Write = { verb: "create" | "update" | "delete" | "compact"; key: string; stale: boolean };
const anyWrite: fc.Arbitrary<Write> = fc.record({
  verb: fc.constantFrom("create", "create", "update", "update", "delete", "compact"),
  key: fc.constantFrom("/p/a", "/p/b", "/p/b/c", "/p/d", "/q/a"),
  stale: fc.boolean(),
});

/** All states ever, each whole. */
interface Model {
  states: Map<string, { value: string; revision: number }>[];
  events: string[];
  compacted: number;
}

async function checkAgainstModel(storage: Storage, turns: readonly Write[][]): Promise<void> {
  const model: Model = { states: [new Map()], events: [], compacted: 0 };
  const live: string[] = [];
  storage.watch("/p/", 0, (batch) => live.push(...batch.map(eventLine)));
  for (const turn of turns) await Promise.all(turn.map((write) => applyBoth(storage, model, write)));
  expect(storage.revision).toBe(model.states.length - 1);
  expect(storage.compactedRevision).toBe(model.compacted);
  expect(live).toEqual(model.events.filter((line) => line.includes(" /p/")));
  for (let revision = model.compacted; revision < model.states.length; revision++) {
    checkRevision(storage, model, revision);
  }
}

function checkRevision(storage: Storage, model: Model, revision: number): void {
  const expected = [...(model.states[revision] ?? [])]
    .filter(([key]) => key.startsWith("/p/"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const pages: KeyValue[] = [];
  for (let after: string | undefined; ; ) {
    const page = storage.list("/p/", { revision, limit: 2, ...(after === undefined ? {} : { after }) });
    if (page.kind !== "listed") throw new Error(page.kind);
    pages.push(...page.items);
    expect(page.remaining).toBe(expected.length - pages.length);
    after = page.items[page.items.length - 1]?.key;
    if (page.remaining === 0) break;
  }
  expect(pages.map((item) => [item.key, { value: text(item.value), revision: item.revision }])).toEqual(
    expected,
  );
  const replayed: string[] = [];
  const outcome = storage.watch("/p/", revision, (batch) => replayed.push(...batch.map(eventLine)));
  if (outcome.kind === "watching") outcome.stop();
  expect(replayed).toEqual(model.events.slice(revision).filter((line) => line.includes(" /p/")));
}

const eventLine = ({ type, item, previous }: StorageEvent): string =>
  `${type} ${item.key} ${item.revision} ${text(item.value)} ${previous?.revision ?? ""}`;

/** Every write is asked of the store and, at once, of the model: turns run in the order of asking. */
async function applyBoth(storage: Storage, model: Model, { verb, key, stale }: Write): Promise<void> {
  const state = new Map(model.states[model.states.length - 1]);
  const revision = model.states.length;
  const current = state.get(key);
  const expected = (current?.revision ?? 0) + (stale ? 1 : 0);
  const value = `${verb}@${revision}`;
  const encode = (at: number): Uint8Array => bytes(`${verb}@${at}`);
  const record = (type: string): void => {
    model.states.push(state);
    model.events.push(`${type} ${key} ${revision} ${value} ${type === "created" ? "" : current?.revision}`);
  };
  if (verb === "compact") {
    model.compacted = Math.max(model.compacted, revision - 1);
    return storage.compact(revision - 1);
  }
  if (verb === "create") {
    if (!current) {
      state.set(key, { value, revision });
      record("created");
    }
    expect((await storage.create(key, encode)).kind).toBe(current ? "exists" : "created");
    return;
  }
  const kind = !current ? "missing" : stale ? "conflict" : verb === "update" ? "updated" : "deleted";
  if (kind === "updated") state.set(key, { value, revision });
  if (kind === "deleted") state.delete(key);
  if (kind === "updated" || kind === "deleted") record(kind);
  expect((await storage[verb](key, encode, expected)).kind).toBe(kind);
}
