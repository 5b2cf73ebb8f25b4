import { expect, test } from "@jest/globals";
import type { Service } from "../machinery/api/core-v1.js";
import type { EndpointSlice } from "../machinery/api/discovery-v1.js";
import { silentLogger } from "../machinery/api/logger.js";
import { parseAddress } from "../machinery/network/addresses.js";
import { MemoryCarriers } from "../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import type { Balancer } from "./balancers/balancer.js";
import { balancers } from "./balancers/balancers.js";
import { memoryDialer } from "./dataplane/carrier-dialer.js";
import { DataPlane } from "./dataplane/data-plane.js";
import type { Packet } from "./dataplane/decision.js";
import type { NodeRoute } from "./dataplane/table.js";
import { nodeRouteOf, routesOf } from "./rules.js";

const clock = systemClock();
const metadata = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const aNode = (number: number): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  secondaryIP: `fc00:f853:ccd:e793::${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  carrier: "kubelet",
});

const slice = (addressType: "IPv4" | "IPv6", addresses: readonly [string, string][]): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: metadata(`web-${addressType.toLowerCase()}`),
  addressType,
  endpoints: addresses.map(([address, nodeName]) => ({ addresses: [address], nodeName })),
  ports: [{ port: 8080, protocol: "TCP" }],
});

const bothFamilies = [
  slice("IPv4", [["10.244.2.2", "node-2"]]),
  // Written by hand, so not in its shortest form.
  slice("IPv6", [["FD00:10:244:2:0:0:0:2", "node-2"]]),
];

const aService = (spec: Partial<Service["spec"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata("web"),
  spec: {
    type: "NodePort",
    clusterIP: "10.96.0.20",
    clusterIPs: ["10.96.0.20", "fd00:10:96::0020"],
    ipFamilies: ["IPv4", "IPv6"],
    sessionAffinity: "None",
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP", nodePort: 30_080 }],
    ...spec,
  },
  status: { loadBalancer: {} },
});

async function aCluster(
  balancer: Balancer,
  { slices = bothFamilies, spec = {} }: { slices?: EndpointSlice[]; spec?: Partial<Service["spec"]> } = {},
) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("dual"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    balancer,
    serviceCIDRs: ["10.96.0.0/12", "fd00:10:96::/112"],
  });
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  await dataPlane.program({
    full: true,
    nodes: { set: [aNode(1), aNode(2)], remove: [] },
    tables: [{ from: 0, to: 1, set: routesOf(aService(spec), slices), remove: [] }],
  });
  return { dataPlane, network };
}

const packet = (from: string, to: string, more: Partial<Packet> = {}): Packet => ({
  protocol: "TCP",
  from: { ip: from, port: 40_000 },
  to: parseAddress(to) ?? { ip: "", port: 0 },
  ...more,
});

test.each(balancers.map((balancer) => ({ balancer, name: balancer.name })))(
  "$name: a packet to an IPv6 address gets an IPv6 endpoint, and one to an IPv4 address an IPv4 endpoint",
  async ({ balancer }) => {
    const { dataPlane } = await aCluster(balancer);
    const decide = (each: Packet) => dataPlane.router.decide(each);
    expect(decide(packet("fd00:10:244:1::9", "[fd00:10:96::20]:80"))).toMatchObject({
      verdict: "forward",
      node: "node-1",
      to: { ip: "fd00:10:244:2::2", port: 8080 },
      hop: { node: { nodeName: "node-2" } },
    });
    expect(decide(packet("10.244.1.9", "10.96.0.20:80")).to.ip).toBe("10.244.2.2");
    const outside = { enteredAt: "node-1" };
    expect(decide(packet("2001:db8::7", "[fc00:f853:ccd:e793::3]:30080", outside))).toMatchObject({
      to: { ip: "fd00:10:244:2::2" },
      from: { ip: "fc00:f853:ccd:e793::3" },
    });
    await dataPlane.close();
  },
);

test.each(
  balancers.filter(({ mode }) => mode !== "userspace").map((balancer) => ({ balancer, name: balancer.name })),
)("$name: a family without endpoints is refused while the other goes on", async ({ balancer }) => {
  const { dataPlane } = await aCluster(balancer, { slices: bothFamilies.slice(0, 1) });
  const { verdict } = dataPlane.router.decide(packet("fd00:10:244:1::9", "[fd00:10:96::20]:80"));
  expect(verdict).toBe("refused");
  expect(dataPlane.router.decide(packet("10.244.1.9", "10.96.0.20:80")).verdict).toBe("forward");
  expect(dataPlane.router.decide(packet("fd00:10:244:1::9", "[fd00:10:96::21]:80")).verdict).toBe(
    "timed-out",
  );
  await dataPlane.close();
});

test("policy Local, hairpin and masquerading work in IPv6 as in IPv4", async () => {
  const iptables = balancers[0] as Balancer;
  const { dataPlane } = await aCluster(iptables, { spec: { externalTrafficPolicy: "Local" } });
  const outside = (node: number) =>
    dataPlane.router.decide(
      packet("2001:db8::7", `[fc00:f853:ccd:e793::${node + 2}]:30080`, { enteredAt: `node-${node}` }),
    );
  expect(outside(1).verdict).toBe("timed-out");
  expect(outside(2)).toMatchObject({ verdict: "forward", from: { ip: "2001:db8::7" } });
  expect(dataPlane.router.decide(packet("fd00:10:244:2::2", "[fd00:10:96::20]:80")).from.ip).toBe(
    "fd00:10:244:2::1",
  );
  await dataPlane.close();
});

test("source ranges of one family leave the other open, as each has rules of its own", async () => {
  const { dataPlane } = await aCluster(balancers[0] as Balancer);
  const [route] = routesOf(aService(), bothFamilies);
  if (!route) throw new Error("no route");
  const loadBalancerIPs = ["203.0.113.9", "2001:db8:9::9"];
  const balanced = { ...route, loadBalancerIPs, loadBalancerSourceRanges: ["192.0.2.0/24"] };
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [balanced], remove: [] }] });
  const verdict = (from: string, to: string) =>
    dataPlane.router.decide(packet(from, to, { enteredAt: "node-1" })).verdict;
  expect(verdict("192.0.2.7", "203.0.113.9:80")).toBe("forward");
  expect(verdict("198.51.100.7", "203.0.113.9:80")).toBe("timed-out");
  expect(verdict("2001:db8::7", "[2001:db8:9::9]:80")).toBe("forward");
  await dataPlane.close();
});

test("TCP and UDP pass through an IPv6 Service, and both ends see IPv6 addresses", async () => {
  const { dataPlane, network } = await aCluster(balancers[0] as Balancer);
  const server = network.addHost(["10.244.2.2", "fd00:10:244:2::2"]);
  const clients: string[] = [];
  server.listen(8080, (connection) => {
    clients.push(connection.remote.ip);
    connection.end();
  });
  const client = network.addHost(["10.244.1.9", "fd00:10:244:1::9"]);
  const connection = await client.connect({ ip: "fd00:10:96:0::20", port: 80 });
  expect(await connection.read()).toBeUndefined();
  expect(clients).toEqual(["fd00:10:244:1::9"]);
  expect(dataPlane.flows.list()).toMatchObject([
    {
      source: expect.stringContaining("[fd00:10:244:1::9]:") as never,
      destination: "[fd00:10:96::20]:80",
      backend: "[fd00:10:244:2::2]:8080",
    },
  ]);
  const [route] = routesOf(aService(), bothFamilies);
  if (!route) throw new Error("no route");
  await dataPlane.program({
    tables: [{ from: 1, to: 2, set: [{ ...route, protocol: "UDP" }], remove: [] }],
  });
  const udp = server.bindUdp(8080);
  const socket = client.bindUdp(0);
  socket.send({ ip: "fd00:10:96::20", port: 80 }, Buffer.from("query"));
  const asked = await udp.receive();
  if (asked) udp.send(asked.from, Buffer.from("answer"));
  expect((await socket.receive())?.from).toEqual({ ip: "fd00:10:96::20", port: 80 });
  await dataPlane.close();
});

test("[::1]:nodePort answers inside a node in userspace mode alone: route_localnet is for IPv4", async () => {
  const answered: string[] = [];
  for (const balancer of balancers) {
    const { dataPlane, network } = await aCluster(balancer);
    network.addHost("fd00:10:244:2::2").listen(8080, (connection) => connection.end());
    const node = network.addHost(["172.18.0.3", "fc00:f853:ccd:e793::3"], { hasNodePorts: true });
    await node.connect({ ip: "::1", port: 30_080 }).then(
      () => answered.push(balancer.name),
      (err: unknown) => expect(err).toMatchObject({ reason: "refused" }),
    );
    await dataPlane.close();
  }
  expect(answered).toEqual(["userspace"]);
});

test("a trace of an IPv6 packet says why endpoints of the other family are not used", async () => {
  const { dataPlane } = await aCluster(balancers[0] as Balancer);
  const explanation = dataPlane.trace(packet("fd00:10:244:1::9", "[fd00:10:96::20]:80"));
  expect(explanation).toMatchObject({ verdict: "forward", rulesWalked: expect.any(Number) as never });
  expect(explanation.endpoints.map(({ backend, why }) => [backend.ip, why])).toEqual([
    ["10.244.2.2", "of the other address family"],
    ["fd00:10:244:2::2", "one of the eligible, drawn by the balancer"],
  ]);
  await dataPlane.close();
});

test("a node has an address of each family, whichever comes first", () => {
  const route = nodeRouteOf({
    apiVersion: "v1",
    kind: "Node",
    metadata: { ...metadata("node-1"), annotations: {} },
    spec: { podCIDRs: ["fd00:10:244:1::/64", "10.244.1.0/24"] },
    status: {
      addresses: [
        { type: "Hostname", address: "node-1" },
        { type: "InternalIP", address: "fc00:f853:ccd:e793:0::3" },
        { type: "InternalIP", address: "172.18.0.3" },
      ],
    },
  });
  expect(route).toMatchObject({ internalIP: "fc00:f853:ccd:e793::3", secondaryIP: "172.18.0.3" });
});
