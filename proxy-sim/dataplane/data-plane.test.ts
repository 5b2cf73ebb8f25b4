import { afterEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { ipvsRoundRobin } from "../balancers/ipvs-rr.js";
import type { Balancer } from "../balancers/balancer.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import type { Packet } from "./decision.js";
import type { NodeRoute, ProgramTransaction, ServicePortRoute } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const aNode = (number: number): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`],
  carrier: "kubelet",
});

/** Two nodes whose pods live in one network, in memory. */
async function aCluster(options: { balancer?: Balancer; seed?: string } = {}) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng(options.seed ?? "plane"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    ...(options.balancer ? { balancer: options.balancer } : {}),
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  await dataPlane.program({ nodes: { set: [aNode(1), aNode(2)], remove: [] } });
  return { dataPlane, network };
}

const tcp = (from: string, to: string): Packet => {
  const [ip = "", port] = to.split(":");
  return { protocol: "TCP", from: { ip: from, port: 40_000 }, to: { ip, port: Number(port) } };
};

const program = (
  dataPlane: DataPlane,
  from: number,
  set: ServicePortRoute[],
  more: Partial<ProgramTransaction> = {},
) => dataPlane.program({ tables: [{ from, to: from + 1, set, remove: [] }], ...more });

const three = ["10.244.1.2", "10.244.1.3", "10.244.2.2"].map((ip) =>
  aBackend(ip, { nodeName: ip.startsWith("10.244.1.") ? "node-1" : "node-2" }),
);

test("iptables mode gives every endpoint its share", async () => {
  const { dataPlane } = await aCluster();
  await program(dataPlane, 0, [aRoute("default/web", { backends: three })]);
  const counts = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const { to } = dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80"));
    counts.set(to.ip, (counts.get(to.ip) ?? 0) + 1);
  }
  for (const { ip } of three) expect(counts.get(ip)).toBeGreaterThan(900);
});

test("ipvs round robin takes turns, each node for itself, across table updates", async () => {
  const { dataPlane } = await aCluster({ balancer: ipvsRoundRobin });
  await program(dataPlane, 0, [aRoute("default/web", { backends: three })]);
  const next = (from: string) => dataPlane.router.decide(tcp(from, "10.96.0.10:80")).to.ip;
  expect([next("10.244.1.9"), next("10.244.1.9"), next("10.244.2.9")]).toEqual([
    "10.244.1.2",
    "10.244.1.3",
    "10.244.1.2",
  ]);
  await program(dataPlane, 1, [aRoute("default/web", { backends: three, serviceResourceVersion: "2" })]);
  expect(next("10.244.1.9")).toBe("10.244.2.2");
});

test("ClientIP affinity holds a client to its backend until that is gone", async () => {
  const { dataPlane } = await aCluster();
  const route = aRoute("default/web", { backends: three, sessionAffinitySeconds: 60 });
  await program(dataPlane, 0, [route]);
  const decide = () => dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80"));
  const first = decide().to.ip;
  for (let i = 0; i < 20; i++) expect(decide()).toMatchObject({ to: { ip: first }, affinity: true });
  await program(dataPlane, 1, [{ ...route, backends: three.filter(({ ip }) => ip !== first) }]);
  expect(decide().to.ip).not.toBe(first);
});

test("a pod that reaches itself through its Service comes from its node's bridge", async () => {
  const { dataPlane } = await aCluster();
  await program(dataPlane, 0, [aRoute("default/web", { backends: [three[0] ?? aBackend("")] })]);
  expect(dataPlane.router.decide(tcp("10.244.1.2", "10.96.0.10:80")).from.ip).toBe("10.244.1.1");
  expect(dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80")).from.ip).toBe("10.244.1.9");
});

test("a node port masquerades with policy Cluster and keeps the client with policy Local", async () => {
  const { dataPlane } = await aCluster();
  const packet = { ...tcp("172.18.0.1", "172.18.0.3:30080"), enteredAt: "node-1" };
  const route = aRoute("default/web", { backends: three.slice(2), nodePort: 30_080 });
  await program(dataPlane, 0, [route]);
  expect(dataPlane.router.decide(packet)).toMatchObject({
    from: { ip: "172.18.0.3" },
    to: { ip: "10.244.2.2" },
  });
  await program(dataPlane, 1, [{ ...route, externalTrafficPolicy: "Local" }]);
  expect(dataPlane.router.decide(packet)).toMatchObject({
    verdict: "timed-out",
    reason: /no local endpoints/ as never,
  });
  const atNode2 = { ...tcp("172.18.0.1", "172.18.0.4:30080"), enteredAt: "node-2" };
  expect(dataPlane.router.decide(atNode2)).toMatchObject({
    from: { ip: "172.18.0.1" },
    to: { ip: "10.244.2.2" },
  });
});

test("a pod of the host's network is an endpoint at its node's address, and is masqueraded as the node", async () => {
  const { dataPlane, network } = await aCluster();
  const backends = [aBackend("172.18.0.3", { nodeName: "node-1", port: 9100 })];
  await program(dataPlane, 0, [aRoute("default/metrics", { backends, nodePort: 30_091 })]);
  const clients: string[] = [];
  network
    .addHost("172.18.0.3", { hasNodePorts: true })
    .listen(9100, ({ remote }) => void clients.push(remote.ip));
  const pod = network.addHost("10.244.2.9");
  await pod.connect({ ip: "10.96.0.10", port: 80 });
  await network.host("172.18.0.3")?.connect({ ip: "127.0.0.1", port: 30_091 });
  await pod.connect({ ip: "172.18.0.4", port: 30_091 });
  expect(clients).toEqual(["10.244.2.9", "172.18.0.3", "172.18.0.4"]);
});

test("nodes at one revision share one table, and one that lags decides by what it knows", async () => {
  const { dataPlane } = await aCluster();
  await program(dataPlane, 0, [aRoute("default/web", { backends: three.slice(0, 1) })]);
  await dataPlane.program({
    tables: [
      {
        from: 1,
        to: 2,
        except: ["node-2"],
        set: [aRoute("default/web", { backends: three.slice(2) })],
        remove: [],
      },
    ],
  });
  expect(dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80"))).toMatchObject({
    tableRevision: 2,
    to: { ip: "10.244.2.2" },
  });
  expect(dataPlane.router.decide(tcp("10.244.2.9", "10.96.0.10:80"))).toMatchObject({
    tableRevision: 1,
    to: { ip: "10.244.1.2" },
  });
  await dataPlane.program({
    tables: [{ from: 1, to: 2, nodes: ["node-2"], adopt: true, set: [], remove: [] }],
  });
  expect(dataPlane.router.kernel("node-2")?.table).toBe(dataPlane.router.kernel("node-1")?.table);
});

test("a transaction for another base or another boot changes nothing and asks for everything", async () => {
  const { dataPlane } = await aCluster();
  await program(dataPlane, 0, [aRoute("default/web", { backends: three })]);
  const removal = { from: 5, to: 6, nodes: ["node-1"], set: [], remove: ["default/web"] };
  expect(await dataPlane.program({ tables: [removal] })).toMatchObject({ kind: "resync" });
  expect(await dataPlane.program({ bootId: "earlier", tables: [{ ...removal, from: 1 }] })).toMatchObject({
    kind: "resync",
    reason: "the data plane was restarted",
  });
  expect(dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80")).verdict).toBe("forward");
});

test("a UDP exchange keeps its backend until the endpoint is gone, and then moves on", async () => {
  const { dataPlane, network } = await aCluster({ balancer: ipvsRoundRobin });
  const dns = (backends: typeof three) =>
    aRoute("kube-system/kube-dns:dns", { protocol: "UDP", port: 53, backends });
  const servers = three.map(({ ip }) => network.addHost(ip).bindUdp(8080));
  const client = network.addHost("10.244.1.9").bindUdp(0);
  await program(dataPlane, 0, [dns(three)]);
  const send = (text: string) => client.send({ ip: "10.96.0.10", port: 53 }, Buffer.from(text));
  send("one");
  send("two");
  const received = [await servers[0]?.receive(), await servers[0]?.receive()];
  expect(received.map((each) => Buffer.from(each?.bytes ?? []).toString())).toEqual(["one", "two"]);
  servers[0]?.send(client.address, Buffer.from("answer"));
  expect((await client.receive())?.from).toEqual({ ip: "10.96.0.10", port: 53 });
  await program(dataPlane, 1, [dns(three.slice(1))]);
  expect(dataPlane.datagrams.conntrack.size).toBe(0);
  send("three");
  const moved = await Promise.race([servers[1]?.receive(), servers[2]?.receive()]);
  expect(Buffer.from(moved?.bytes ?? []).toString()).toBe("three");
});

test("an established connection keeps its backend after the endpoint is gone from the table", async () => {
  const { dataPlane, network } = await aCluster();
  network.addHost("10.244.1.2").listen(8080, (connection) => {
    void connection.read().then(async (bytes) => connection.write(bytes ?? new Uint8Array()));
  });
  await program(dataPlane, 0, [aRoute("default/web", { backends: three.slice(0, 1) })]);
  const connection = await network.addHost("10.244.2.9").connect({ ip: "10.96.0.10", port: 80 });
  await program(dataPlane, 1, [aRoute("default/web", { backends: three.slice(2) })]);
  await connection.write(Buffer.from("still"));
  expect(Buffer.from((await connection.read()) ?? []).toString()).toBe("still");
});

test("a cut link holds packets back until it heals", async () => {
  const { dataPlane, network } = await aCluster();
  network.addHost("10.244.1.2").bindUdp(8080);
  const server = network.addHost("10.244.2.2");
  const udp = server.bindUdp(8080);
  const client = network.addHost("10.244.1.9").bindUdp(0);
  dataPlane.links.set("cut", { sources: new Set(["node-1"]), destinations: new Set(["node-2"]), cut: true });
  client.send({ ip: "10.244.2.2", port: 8080 }, Buffer.from("lost"));
  dataPlane.links.clear("cut");
  client.send({ ip: "10.244.2.2", port: 8080 }, Buffer.from("arrives"));
  expect(Buffer.from((await udp.receive())?.bytes ?? []).toString()).toBe("arrives");
});

test("a node that crashes loses its table, and its next boot asks for everything", async () => {
  const { dataPlane } = await aCluster();
  await program(dataPlane, 0, [aRoute("default/web", { backends: three })]);
  const stop = new AbortController();
  const boots = dataPlane.boots(stop.signal);
  const first = await boots.next();
  dataPlane.crashNode("node-1");
  expect(dataPlane.router.decide(tcp("10.244.1.9", "10.96.0.10:80"))).toMatchObject({
    verdict: "unreachable",
    reason: "node node-1 is down",
  });
  expect(dataPlane.router.decide(tcp("10.244.2.9", "10.96.0.10:80")).tableRevision).toBe(1);
  dataPlane.bootNode("node-1");
  expect((await boots.next()).value?.bootId).not.toBe(first.value?.bootId);
  expect(dataPlane.router.kernel("node-1")?.table.size).toBe(0);
  stop.abort();
});

test("a trace says why each endpoint is not used, and leaves nothing behind", async () => {
  const { dataPlane } = await aCluster({ balancer: ipvsRoundRobin });
  const backends = [
    aBackend("10.244.1.2", { nodeName: "node-1" }),
    aBackend("10.244.1.3", { nodeName: "node-1", ready: false, serving: false }),
    aBackend("10.244.2.2", { nodeName: "node-2", ready: false, terminating: true }),
  ];
  await program(dataPlane, 0, [aRoute("default/web", { backends })]);
  const explanation = dataPlane.trace(tcp("10.244.1.9", "10.96.0.10:80"));
  expect(explanation).toMatchObject({ verdict: "forward", node: "node-1", tableRevision: 1 });
  expect(explanation.endpoints.map(({ why }) => why)).toEqual([
    "one of the eligible, drawn by the balancer",
    "not ready",
    "terminating, while others are ready",
  ]);
  expect(dataPlane.flows.list()).toEqual([]);
});

const address = fc.constantFrom("10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.2.3");
const endpoint = fc.record({
  ip: address,
  ready: fc.boolean(),
  serving: fc.boolean(),
  terminating: fc.boolean(),
});
const change = fc.record({
  service: fc.constantFrom("default/a", "default/b"),
  endpoints: fc.array(endpoint, { maxLength: 5 }),
  late: fc.boolean(),
});

test("no packet reaches a backend that its node's table does not select, however tables lag", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const { dataPlane } = await aCluster({ seed: String(changes.length) });
      const model = { "node-1": new Map<string, (typeof changes)[0]["endpoints"]>(), "node-2": new Map() };
      const revisions = { "node-1": 0, "node-2": 0 };
      let revision = 0;
      for (const { service, endpoints, late } of changes) {
        revision += 1;
        const clusterIP = service === "default/a" ? "10.96.0.10" : "10.96.0.11";
        const backends = endpoints.map(({ ip, ...rest }) => aBackend(ip, { ...rest, nodeName: "node-1" }));
        const set = [aRoute(service, { clusterIPs: [clusterIP], backends })];
        for (const node of late ? (["node-1"] as const) : (["node-1", "node-2"] as const)) {
          await dataPlane.program({
            tables: [{ from: revisions[node], to: revision, nodes: [node], set, remove: [] }],
          });
          revisions[node] = revision;
          model[node].set(clusterIP, endpoints);
        }
        for (const [node, from] of [
          ["node-1", "10.244.1.9"],
          ["node-2", "10.244.2.9"],
        ] as const) {
          for (const vip of ["10.96.0.10", "10.96.0.11"]) {
            const decision = dataPlane.router.decide(tcp(from, `${vip}:80`));
            const known: readonly { ip: string; ready: boolean; serving: boolean; terminating: boolean }[] =
              model[node].get(vip) ?? [];
            const usable = known.filter((each) => each.ready);
            const fallback = known.filter((each) => each.serving && each.terminating);
            const allowed = new Set((usable.length > 0 ? usable : fallback).map(({ ip }) => ip));
            if (decision.verdict === "forward") expect(allowed).toContain(decision.to.ip);
            else expect(allowed.size).toBe(0);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("two clients with the same port that leave a node under its address get each their own answers", async () => {
  const { dataPlane, network } = await aCluster();
  const server = network.addHost("10.244.2.2").bindUdp(8080);
  const backends = [aBackend("10.244.2.2", { nodeName: "node-2" })];
  await program(dataPlane, 0, [
    aRoute("default/echo", { protocol: "UDP", port: 53, nodePort: 30_053, backends }),
  ]);
  const clients = ["10.244.1.8", "10.244.1.9"].map((ip) => network.addHost(ip).bindUdp(40_000));
  const nodePort = { ip: "172.18.0.4", port: 30_053 };
  for (const [i, client] of clients.entries()) client.send(nodePort, Buffer.from(`from ${i}`));
  for (let i = 0; i < clients.length; i++) {
    const asked = await server.receive();
    if (asked) server.send(asked.from, Buffer.from(`to ${Buffer.from(asked.bytes).toString().slice(5)}`));
  }
  const answers = await Promise.all(clients.map((client) => client.receive()));
  expect(answers.map((each) => Buffer.from(each?.bytes ?? []).toString())).toEqual(["to 0", "to 1"]);
  expect(answers.map((each) => each?.from)).toEqual([nodePort, nodePort]);
});
