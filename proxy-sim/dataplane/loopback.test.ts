import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { ipvsRoundRobin } from "../balancers/ipvs-rr.js";
import type { Balancer } from "../balancers/balancer.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

/** A node, and a pod on it that answers "hello" behind node port 30080. */
async function aNodeWithNodePort(balancer?: Balancer) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("plane"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    ...(balancer ? { balancer } : {}),
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  const node = {
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.1.0/24"],
    carrier: "kubelet",
  };
  const backends = [aBackend("10.244.1.2", { nodeName: "node-1" })];
  await dataPlane.program({
    nodes: { set: [node], remove: [] },
    tables: [{ from: 0, to: 1, set: [aRoute("default/web", { backends, nodePort: 30_080 })], remove: [] }],
  });
  network.addHost("10.244.1.2").listen(8080, (connection) => {
    void connection.write(Buffer.from("hello"));
    connection.end();
  });
  return {
    node: network.addHost("172.18.0.3", { hasNodePorts: true }),
    pod: network.addHost("10.244.1.3"),
  };
}

const ask = async (
  from: {
    connect: (to: { ip: string; port: number }) => Promise<{ read(): Promise<Uint8Array | undefined> }>;
  },
  ip: string,
  port: number,
) => Buffer.from((await (await from.connect({ ip, port })).read()) ?? []).toString();

test("localhost and its own address answer on a node port inside a node, in iptables mode", async () => {
  const { node } = await aNodeWithNodePort();

  expect(await ask(node, "127.0.0.1", 30_080)).toBe("hello");
  expect(await ask(node, "172.18.0.3", 30_080)).toBe("hello");
});

test("in ipvs mode a node port is at the node's address, not at localhost", async () => {
  const { node } = await aNodeWithNodePort(ipvsRoundRobin);

  await expect(ask(node, "127.0.0.1", 30_080)).rejects.toMatchObject({ reason: "refused" });
  expect(await ask(node, "172.18.0.3", 30_080)).toBe("hello");
});

test("a node's other ports are refused, and so is localhost inside a pod", async () => {
  const { node, pod } = await aNodeWithNodePort();

  await expect(ask(node, "127.0.0.1", 30_081)).rejects.toMatchObject({ reason: "refused" });
  await expect(ask(node, "172.18.0.3", 80)).rejects.toMatchObject({ reason: "refused" });
  await expect(ask(pod, "127.0.0.1", 30_080)).rejects.toMatchObject({ reason: "refused" });
});

test("what listens on the node's own loopback is reached before any node port", async () => {
  const { node } = await aNodeWithNodePort();
  node.listen(30_080, (connection) => {
    void connection.write(Buffer.from("local"));
    connection.end();
  });

  expect(await ask(node, "127.0.0.1", 30_080)).toBe("local");
});
