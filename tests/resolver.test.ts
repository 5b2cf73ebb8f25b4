import { expect, test } from "@jest/globals";
import { encode } from "dns-packet";
import fc from "fast-check";
import { DnsServer } from "../machinery/dns/dns-server.js";
import { type DnsReply, emptyReply } from "../machinery/dns/reply.js";
import { silentLogger } from "../machinery/api/logger.js";
import { ResolveError, Resolver } from "../machinery/network/resolver.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { TestPods } from "./testkit/pods.js";

const SEARCH = "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

function aResolver(answer: (name: string, type: string) => DnsReply, conf = SEARCH) {
  const pods = new TestPods();
  const asked: string[] = [];
  const server = new DnsServer({
    network: pods.network.addHost("10.96.0.10"),
    clock: pods.clock,
    logger: silentLogger,
    answer: ({ question: { name, type } }) => {
      asked.push(type === "A" ? name : `${name} ${type}`);
      return answer(name, type);
    },
  });
  const served = server.run();
  const resolver = new Resolver({
    network: pods.network.addHost("10.244.0.2"),
    clock: pods.clock,
    rng: seededRng("resolver"),
    readFile: (path) =>
      path === "/etc/hosts"
        ? "127.0.0.1 localhost\n10.1.1.1 Alias.local db # comment\n"
        : `nameserver 10.96.0.10\n${conf}`,
  });
  return { pods, resolver, asked, stop: () => (server.stop(), served) };
}

const addresses = (name: string, ...ips: string[]): DnsReply => ({
  ...emptyReply("NOERROR", true),
  answers: ips.map((data) => ({ type: data.includes(":") ? "AAAA" : "A", name, ttl: 5, data })),
});
const noSuchName = (): DnsReply => emptyReply("NXDOMAIN", true);

test("a short name goes through the search list in order", async () => {
  const { pods, resolver, asked } = aResolver((name) =>
    name === "web.svc.cluster.local" ? addresses(name, "10.96.1.1") : noSuchName(),
  );
  expect(await pods.until(resolver.lookup("web"))).toEqual(["10.96.1.1"]);
  expect(asked).toEqual([
    "web.default.svc.cluster.local",
    "web.default.svc.cluster.local AAAA",
    "web.svc.cluster.local",
    "web.svc.cluster.local AAAA",
  ]);
  expect(resolver.queriesSent).toBe(4);
});

test("a name with ndots dots, or a dot at its end, is tried as it is first", async () => {
  const { pods, resolver, asked } = aResolver((name) => addresses(name, "10.96.1.1"));
  await pods.until(resolver.lookup("a.b.c.d.e.f"));
  await pods.until(resolver.lookup("web.default.svc.cluster.local."));
  expect(asked.filter((name) => !name.endsWith("AAAA"))).toEqual([
    "a.b.c.d.e.f",
    "web.default.svc.cluster.local",
  ]);
});

test("addresses and names of the hosts file need no server", async () => {
  const { pods, resolver, asked } = aResolver(noSuchName);
  expect(await pods.until(resolver.lookup("10.2.3.4"))).toEqual(["10.2.3.4"]);
  expect(await pods.until(resolver.lookup("LOCALHOST"))).toEqual(["127.0.0.1"]);
  expect(await pods.until(resolver.lookup("alias.local"))).toEqual(["10.1.1.1"]);
  expect(asked).toEqual([]);
});

test("an answer too large for a datagram is fetched over TCP", async () => {
  const ips = Array.from({ length: 200 }, (_, i) => `10.244.1.${i}`);
  const { pods, resolver, asked } = aResolver((name, type) =>
    type === "A" ? addresses(name, ...ips) : emptyReply("NOERROR", true),
  );
  expect(await pods.until(resolver.lookup("many.example.a.b.c.d"))).toEqual(ips);
  expect(asked.filter((name) => !name.endsWith("AAAA"))).toHaveLength(2);
  expect(resolver.queriesSent).toBe(3);
});

test("a missing name and a silent server are different failures", async () => {
  const { pods, resolver, stop } = aResolver(noSuchName);
  await expect(pods.until(resolver.lookup("nope"))).rejects.toMatchObject({ reason: "not-found" });
  await stop();
  const startedAtMs = pods.clock.nowMs();
  await expect(pods.until(resolver.lookup("nope."))).rejects.toMatchObject({ reason: "try-again" });
  expect(pods.clock.nowMs() - startedAtMs).toBe(10_000);
});

test("SERVFAIL is reported as a temporary failure", async () => {
  const { pods, resolver } = aResolver(() => emptyReply("SERVFAIL"));
  await expect(pods.until(resolver.lookup("web"))).rejects.toMatchObject({ reason: "try-again" });
});

test("A and AAAA are asked at once; IPv4 addresses come first", async () => {
  const { pods, resolver } = aResolver((name, type) =>
    addresses(name, type === "A" ? "10.1.2.3" : "fd00::3"),
  );
  const startedAtMs = pods.clock.nowMs();
  expect(await pods.until(resolver.lookup("dual."))).toEqual(["10.1.2.3", "fd00::3"]);
  expect(pods.clock.nowMs() - startedAtMs).toBe(2);
});

test("a silent first server costs its timeout; options shorten it, and the second one answers", async () => {
  const conf = `nameserver 10.96.0.99\noptions timeout:1 attempts:1\n`;
  const { pods, resolver } = aResolver((name) => addresses(name, "10.1.2.3"), conf);
  const reversed = new Resolver({
    network: pods.network.addHost("10.244.0.3"),
    clock: pods.clock,
    rng: seededRng("reversed"),
    readFile: (path) =>
      path === "/etc/hosts" ? "" : `nameserver 10.96.0.99\nnameserver 10.96.0.10\n${conf}`,
  });
  expect(await pods.until(resolver.lookup("web"))).toContain("10.1.2.3");
  const startedAtMs = pods.clock.nowMs();
  expect(await pods.until(reversed.lookup("web"))).toContain("10.1.2.3");
  expect(pods.clock.nowMs() - startedAtMs).toBe(1002);
});

test("servers that say nothing are not asked for the rest of the search list, only for the name itself", async () => {
  const { pods, resolver, stop } = aResolver(noSuchName);
  await stop();
  const startedAtMs = pods.clock.nowMs();
  await expect(pods.until(resolver.lookup("nope"))).rejects.toMatchObject({ reason: "try-again" });
  expect(pods.clock.nowMs() - startedAtMs).toBe(20_000);
  expect(resolver.queriesSent).toBe(8);
});

test("option use-vc asks over TCP, rotate takes servers in turn, and names that are none are not asked for", async () => {
  const { pods, resolver, asked } = aResolver(
    (name) => addresses(name, "10.1.2.3"),
    "options use-vc rotate\n",
  );
  expect(await pods.until(resolver.lookup("web"))).toContain("10.1.2.3");
  await expect(pods.until(resolver.lookup(`${"a".repeat(64)}.b`))).rejects.toMatchObject({
    reason: "not-found",
  });
  await expect(pods.until(resolver.lookup("a..b"))).rejects.toMatchObject({ reason: "not-found" });
  expect(asked).toHaveLength(2);
});

test("a client over TCP that sends nothing, half a question, or reads nothing loses its connection", async () => {
  const { pods } = aResolver((name) => addresses(name, "10.1.2.3"));
  const client = pods.network.addHost("10.244.0.9");
  const server = { ip: "10.96.0.10", port: 53 };
  for (const bytes of [new Uint8Array(), Uint8Array.of(0, 40, 1, 2, 3)]) {
    const connection = await pods.until(client.connect(server));
    if (bytes.length > 0) await pods.until(connection.write(bytes));
    const startedAtMs = pods.clock.nowMs();
    await expect(pods.until(connection.read())).rejects.toMatchObject({ reason: "reset" });
    expect(pods.clock.nowMs() - startedAtMs).toBeLessThan(10_100);
  }
});

const whole = encode({
  type: "response",
  id: 0,
  flags: 0x8180,
  questions: [{ type: "A", name: "web" }],
  answers: [
    { type: "CNAME", name: "web", ttl: 5, data: "w.test" },
    { type: "A", name: "w.test", ttl: 5, data: "10.0.0.1" },
    { type: "TXT", name: "w.test", ttl: 5, data: ["a", "b"] },
  ],
});

test("a name server that answers nonsense costs time, and nothing else", async () => {
  const pods = new TestPods();
  let damage: (answer: Buffer) => Buffer = (answer) => answer;
  const socket = pods.network.addHost("10.96.0.10").bindUdp(53);
  const answering = (async () => {
    for (let query = await socket.receive(); query; query = await socket.receive()) {
      const answer = damage(Buffer.from(whole));
      if (answer.length >= 2) answer.set(query.bytes.subarray(0, 2));
      socket.send(query.from, answer);
    }
  })();
  const resolver = new Resolver({
    network: pods.network.addHost("10.244.0.2"),
    clock: pods.clock,
    rng: seededRng("nonsense"),
    readFile: (path) =>
      path === "/etc/hosts" ? "" : "nameserver 10.96.0.10\noptions timeout:1 attempts:1\n",
  });
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(changes, fc.integer({ min: 0, max: whole.length }), async (bytes, length) => {
      damage = (answer) => {
        for (const [at, value] of bytes) answer[at] = value;
        return answer.subarray(0, length);
      };
      const startedAtMs = pods.clock.nowMs();
      const outcome = await pods.until(resolver.lookup("web.").catch((err: unknown) => err));
      expect(Array.isArray(outcome) || outcome instanceof ResolveError).toBe(true);
      expect(pods.clock.nowMs() - startedAtMs).toBeLessThanOrEqual(4000);
    }),
    { numRuns: 400, seed: 20_260_104 },
  );
  socket.close();
  await answering;
});
