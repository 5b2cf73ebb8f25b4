import { expect, test } from "@jest/globals";
import { DnsServer } from "../machinery/dns/dns-server.js";
import { type DnsReply, emptyReply } from "../machinery/dns/reply.js";
import { silentLogger } from "../machinery/api/logger.js";
import { Resolver } from "../machinery/network/resolver.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { TestPods } from "./testkit/pods.js";

const SEARCH = "search default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

function aResolver(answer: (name: string) => DnsReply, conf = SEARCH) {
  const pods = new TestPods();
  const asked: string[] = [];
  const server = new DnsServer({
    network: pods.network.addHost("10.96.0.10"),
    logger: silentLogger,
    answer: ({ name }) => {
      asked.push(name);
      return answer(name);
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
  answers: ips.map((data) => ({ type: "A", name, ttl: 5, data })),
});
const noSuchName = (): DnsReply => emptyReply("NXDOMAIN", true);

test("a short name goes through the search list in order", async () => {
  const { pods, resolver, asked } = aResolver((name) =>
    name === "web.svc.cluster.local" ? addresses(name, "10.96.1.1") : noSuchName(),
  );
  expect(await pods.until(resolver.lookup("web"))).toEqual(["10.96.1.1"]);
  expect(asked).toEqual(["web.default.svc.cluster.local", "web.svc.cluster.local"]);
});

test("a name with ndots dots, or a dot at its end, is tried as it is first", async () => {
  const { pods, resolver, asked } = aResolver((name) => addresses(name, "10.96.1.1"));
  await pods.until(resolver.lookup("a.b.c.d.e.f"));
  await pods.until(resolver.lookup("web.default.svc.cluster.local."));
  expect(asked).toEqual(["a.b.c.d.e.f", "web.default.svc.cluster.local"]);
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
  const { pods, resolver, asked } = aResolver((name) => addresses(name, ...ips));
  expect(await pods.until(resolver.lookup("many.example.a.b.c.d"))).toEqual(ips);
  expect(asked).toHaveLength(2);
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
