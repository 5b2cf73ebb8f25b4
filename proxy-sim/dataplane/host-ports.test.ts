import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import type { Connection } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import type { Balancer } from "../balancers/balancer.js";
import { balancers } from "../balancers/balancers.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import type { NodeRoute } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const mapping = (changes: Partial<HostPortMapping> = {}): HostPortMapping => ({
  pod: "default/logger-0",
  protocol: "TCP",
  hostIP: "",
  hostPort: 8080,
  podIPs: ["10.244.1.2", "fd00:10:244:1::2"],
  podPort: 80,
  ...changes,
});

const aNode = (number: number, hostPorts: readonly HostPortMapping[] = []): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  secondaryIP: `fc00:f853:ccd:e793::${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  carrier: "kubelet",
  hostPorts,
});

/** Two nodes; on the first a pod that says whom it sees, behind a host port. */
async function aCluster(
  hostPorts: readonly HostPortMapping[],
  balancer: Balancer = balancers[0] as Balancer,
) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("host-ports"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    balancer,
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  await dataPlane.program({ nodes: { set: [aNode(1, hostPorts), aNode(2)], remove: [] } });
  const tellWhom = (connection: Connection): void => {
    void connection.write(Buffer.from(connection.remote.ip));
    connection.end();
  };
  const pod = network.addHost(["10.244.1.2", "fd00:10:244:1::2"]);
  pod.listen(80, tellWhom);
  return {
    dataPlane,
    network,
    pod,
    node: network.addHost(["172.18.0.3", "fc00:f853:ccd:e793::3"], { hasNodePorts: true }),
    other: network.addHost(["10.244.2.9", "fd00:10:244:2::9"]),
  };
}

const seenAs = async (
  host: { connect(to: { ip: string; port: number }): Promise<Connection> },
  ip: string,
  port = 8080,
) => Buffer.from((await (await host.connect({ ip, port })).read()) ?? []).toString();

test.each(balancers.map((balancer) => ({ balancer, name: balancer.name })))(
  "$name: a node's address and a pod's host port lead to the pod, which sees its client",
  async ({ balancer }) => {
    const { other, node, dataPlane } = await aCluster([mapping()], balancer);
    expect(await seenAs(other, "172.18.0.3")).toBe("10.244.2.9");
    expect(await seenAs(other, "fc00:f853:ccd:e793::3")).toBe("fd00:10:244:2::9");
    expect(await seenAs(node, "127.0.0.1")).toBe("10.244.1.1");
    await expect(seenAs(other, "172.18.0.4")).rejects.toMatchObject({ reason: "unreachable" });
    expect(dataPlane.flows.list()[0]).toMatchObject({
      destination: "172.18.0.3:8080",
      backend: "10.244.1.2:80",
      pod: "default/logger-0",
      backendNode: "node-1",
    });
  },
);

test("a pod that calls its own host port sees its node's bridge", async () => {
  const { pod } = await aCluster([mapping()]);
  expect(await seenAs(pod, "172.18.0.3")).toBe("10.244.1.1");
});

test("a host port with a hostIP belongs to that address alone", async () => {
  const { other, node } = await aCluster([
    mapping({ hostIP: "127.0.0.1" }),
    mapping({ hostPort: 8081, hostIP: "0.0.0.0" }),
  ]);
  expect(await seenAs(node, "127.0.0.1")).toBe("10.244.1.1");
  await expect(seenAs(other, "172.18.0.3")).rejects.toMatchObject({ reason: "refused" });
  expect(await seenAs(other, "172.18.0.3", 8081)).toBe("10.244.2.9");
});

test("a node port of a Service comes before a host port, and a host port that is gone answers nobody", async () => {
  const { dataPlane, other, network } = await aCluster([mapping({ hostPort: 30_080 })]);
  const packet = {
    protocol: "TCP" as const,
    from: { ip: "10.244.2.9", port: 40_000 },
    to: { ip: "172.18.0.3", port: 30_080 },
  };
  expect(dataPlane.trace(packet)).toMatchObject({
    to: { ip: "10.244.1.2", port: 80 },
    hostPort: { pod: "default/logger-0" },
    chains: ["PREROUTING", "CNI-HOSTPORT-DNAT"],
  });
  const backends = [aBackend("10.244.2.2", { nodeName: "node-2" })];
  await dataPlane.program({
    tables: [{ from: 0, to: 1, set: [aRoute("default/web", { nodePort: 30_080, backends })], remove: [] }],
  });
  expect(dataPlane.router.decide(packet).to.ip).toBe("10.244.2.2");
  await dataPlane.program({
    nodes: { set: [aNode(1)], remove: [] },
    tables: [{ from: 1, to: 2, set: [], remove: ["default/web"] }],
  });
  network.host("172.18.0.3")?.listen(30_081, () => {});
  await expect(seenAs(other, "172.18.0.3", 30_080)).rejects.toMatchObject({ reason: "refused" });
});

test("UDP finds host ports and node ports too, on the node's own loopback as well", async () => {
  const { dataPlane, other, pod, node } = await aCluster([
    mapping({ protocol: "UDP", hostPort: 5353, podPort: 53 }),
  ]);
  const backends = [aBackend("10.244.1.2", { nodeName: "node-1", port: 53 })];
  const dns = aRoute("kube-system/dns", { protocol: "UDP", nodePort: 30_053, backends });
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [dns], remove: [] }] });
  const server = pod.bindUdp(53);
  for (const [client, to] of [
    [other, { ip: "172.18.0.3", port: 5353 }],
    [node, { ip: "127.0.0.1", port: 5353 }],
    [node, { ip: "127.0.0.1", port: 30_053 }],
  ] as const) {
    const socket = client.bindUdp(0);
    socket.send(to, Buffer.from("query"));
    const asked = await server.receive();
    if (asked) server.send(asked.from, Buffer.from("answer"));
    expect((await socket.receive())?.from).toEqual(to);
    socket.close();
  }
});
