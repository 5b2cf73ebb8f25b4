import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../../simulation/virtual-clock.js";
import { emptyReply, soaRecord, type DnsReply } from "../reply.js";
import { Cache, CACHE_DEFAULTS, type CacheOptions } from "./cache.js";
import type { DnsRequest } from "./plugin.js";

const found: DnsReply = {
  ...emptyReply("NOERROR"),
  answers: [{ type: "A", name: "a.test", ttl: 120, data: "10.0.0.1" }],
};
const missing: DnsReply = { ...emptyReply("NXDOMAIN"), authorities: [soaRecord("test", 40, 1)] };

function aCache(reply: DnsReply, options: Partial<CacheOptions> = {}) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const cache = new Cache({ ...CACHE_DEFAULTS, ...options }, clock, {
    hit: (kind) => events.push(`hit ${kind}`),
    miss: () => events.push("miss"),
    evicted: (kind) => events.push(`evicted ${kind}`),
  });
  const handler = cache.plugin(() => reply);
  const ask = (name = "a.test", more: Partial<DnsRequest> = {}) => {
    const request = {
      question: { name, type: "A" },
      name: name.toLowerCase(),
      dnssecOk: false,
      ...more,
    } as DnsRequest;
    const answer = handler(request) as DnsReply;
    const [record] = [...answer.answers, ...answer.authorities];
    return record && "ttl" in record ? record.ttl : undefined;
  };
  return {
    cache,
    ask,
    events,
    pass: (seconds: number) => clock.skipTo(clock.monotonicMs() + seconds * 1000),
  };
}

test("an answer is remembered for its TTL, which counts down", () => {
  const { ask, events, pass } = aCache(found);
  expect([ask(), ask("A.TEST")]).toEqual([120, 120]);
  pass(50.5);
  expect(ask()).toBe(70);
  pass(70);
  expect(ask()).toBe(120);
  expect(events).toEqual(["miss", "hit success", "hit success", "miss"]);
});

test("a denial is remembered for the SOA's minimum; each kind has its own limits", () => {
  const denied = aCache(missing);
  expect(denied.ask()).toBe(40);
  denied.pass(10);
  expect(denied.ask()).toBe(30);
  expect(denied.events).toEqual(["miss", "hit denial"]);
  const short = { capacity: 10, mostTtl: 30, leastTtl: 5 };
  expect(aCache(found, { success: short }).ask()).toBe(30);
  expect(aCache(missing, { denial: { ...short, mostTtl: 7 } }).ask()).toBe(7);
  expect(aCache({ ...found, answers: found.answers.map((a) => ({ ...a, ttl: 1 }) as typeof a) }).ask()).toBe(
    5,
  );
});

test("a failure is remembered for five seconds, a denial without SOA and a refusal not at all", () => {
  const failing = aCache(emptyReply("SERVFAIL"));
  failing.ask();
  failing.pass(4);
  failing.ask();
  failing.pass(2);
  failing.ask();
  expect(failing.events).toEqual(["miss", "hit denial", "miss"]);
  for (const reply of [emptyReply("NXDOMAIN"), emptyReply("REFUSED")]) {
    const { ask, events } = aCache(reply);
    ask();
    ask();
    expect(events).toEqual(["miss", "miss"]);
  }
});

test("zones that are disabled are not remembered; others push the oldest out when it is full", () => {
  const disabled = aCache(found, { disabledSuccess: ["cluster.local"] });
  for (const name of ["a.cluster.local", "a.cluster.local", "b.test", "b.test"]) disabled.ask(name);
  expect(disabled.events).toEqual(["miss", "miss", "miss", "hit success"]);
  const small = aCache(found, { success: { capacity: 2, mostTtl: 60, leastTtl: 5 } });
  for (const name of ["a", "b", "c", "a"]) small.ask(name);
  expect(small.events).toEqual(["miss", "miss", "miss", "evicted success", "miss", "evicted success"]);
  expect(small.cache.size("success")).toBe(2);
});

test("answers with DNSSEC records are kept apart from those without", () => {
  const { ask, events } = aCache(found);
  ask("a");
  ask("a", { dnssecOk: true });
  expect(events).toEqual(["miss", "miss"]);
});
