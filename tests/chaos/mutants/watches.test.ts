import { expect, test } from "@jest/globals";
import { WatchHub } from "../../../apiserver/storage/watch-hub.js";
import type { StorageEvent } from "../../../apiserver/storage/storage.js";
import type { Parts } from "../../../simulation/parts.js";
import type { Journal } from "../../../apiserver/storage/journal.js";
import { newTarget } from "../../../chaos/scenario/defaults.js";
import { aFault, judgedRun } from "./judged-run.js";

/** A hub that does something to what it hands on, from some event of Pods on. */
class WrongHub extends WatchHub {
  readonly #change: (events: readonly StorageEvent[]) => readonly StorageEvent[][];

  constructor(change: (events: readonly StorageEvent[]) => readonly StorageEvent[][]) {
    super();
    this.#change = change;
  }

  override publish(events: readonly StorageEvent[]): void {
    for (const batch of this.#change(events)) super.publish(batch);
  }
}

/** Acts once, on the first deletion of a pod of `web` there is. */
const once = (act: (event: StorageEvent, others: StorageEvent[]) => StorageEvent[][]): Parts => {
  let done = false;
  const change = (events: readonly StorageEvent[]): StorageEvent[][] => {
    const at = done ? -1 : events.findIndex((event) => event.type === "deleted" && isWebPod(event));
    const event = events[at];
    if (!event) return [[...events]];
    done = true;
    return act(event, events.toSpliced(at, 1));
  };
  return { storage: (options) => ({ ...options, hub: new WrongHub(change) }) };
};

const isWebPod = ({ item }: StorageEvent): boolean => item.key.includes("/pods/default/web-");

/** Keeps one event back until the next one of a pod has gone out. */
function reordered(): Parts {
  let held: StorageEvent | undefined;
  let done = false;
  const change = (events: readonly StorageEvent[]): StorageEvent[][] => {
    const pod = events.find(isWebPod);
    if (done || !pod) return [[...events]];
    if (held !== undefined) {
      done = true;
      return [[...events], [held]];
    }
    if (pod.type !== "deleted") return [[...events]];
    held = pod;
    return [events.filter((event) => event !== pod)];
  };
  return { storage: (options) => ({ ...options, hub: new WrongHub(change) }) };
}

/** Always one commit behind: what it has answered last is in memory only. */
function hasty(journal: Journal): Journal {
  let held: Parameters<Journal["commit"]> | undefined;
  const write = (): void => {
    if (held) journal.commit(...held);
    held = undefined;
  };
  return {
    load: (each) => journal.load(each),
    commit(...commit) {
      write();
      held = commit;
    },
    events: (...of) => journal.events(...of),
    listAt: (...of) => journal.listAt(...of),
    close() {
      write();
      journal.close();
    },
  };
}

const INVARIANTS = ["watches-complete", "no-write-lost"];

test("unchanged, watches tell everything once and in order, and no write is lost", async () => {
  const { violated, verdict } = await judgedRun({ invariants: INVARIANTS });

  expect(violated).toEqual([]);
  expect(verdict("watches-complete").summary).toMatch(/^\d\d+ events in order; 4 resources/);
  expect(verdict("no-write-lost").summary).toMatch(/^[3-9]\d acknowledged writes .*, all there$/);
});

test("a watch hub that drops one event is caught by the resumed watch", async () => {
  const { verdict } = await judgedRun({ invariants: INVARIANTS, parts: once((_, others) => [others]) });

  expect(verdict("watches-complete").held).toBe(false);
  expect(verdict("watches-complete").violations.join("\n")).toMatch(/should have/);
});

test("a watch hub that hands out one event twice is caught", async () => {
  const { verdict } = await judgedRun({
    invariants: INVARIANTS,
    parts: once((event, others) => [[...others, event], [event]]),
  });

  expect(verdict("watches-complete").violations.join("\n")).toMatch(/DELETED default\/web-.* came twice/);
});

test("a watch hub that changes the order of events is caught", async () => {
  const { verdict } = await judgedRun({ invariants: INVARIANTS, parts: reordered() });

  expect(verdict("watches-complete").violations.join("\n")).toMatch(/came after \d+/);
});

test("a journal that acknowledges before it has written loses writes when its process is killed", async () => {
  const kill = aFault("process-kill", { target: newTarget({ component: "apiserver" }) });
  const killed = { invariants: ["no-write-lost"], faults: [kill] };

  expect((await judgedRun(killed)).violated).toEqual([]);
  const { verdict } = await judgedRun({
    ...killed,
    parts: { storage: (options) => ({ ...options, journal: hasty(options.journal) }) },
  });
  expect(verdict("no-write-lost").violations.join("\n")).toMatch(/was acknowledged; at the end it /);
});
