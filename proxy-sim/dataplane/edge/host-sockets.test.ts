import { createServer } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../../machinery/api/logger.js";
import { MemoryCarriers } from "../../../machinery/network/memory-carriers.js";
import { seededRng } from "../../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../../machinery/runtime/system-clock.js";
import { memoryDialer } from "../carrier-dialer.js";
import { DataPlane } from "../data-plane.js";
import type { NodeRoute } from "../table.js";
import { aBackend, aRoute } from "../testing.js";
import { HostSockets } from "./host-sockets.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

/** A port that is free on both loopback addresses; undefined where this machine has no IPv6. */
async function freePort(ip: string): Promise<number | undefined> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(0, ip, () => resolve(true));
  });
  const address = server.address();
  if (bound) await new Promise((resolve) => server.close(resolve));
  return bound && typeof address === "object" && address ? address.port : undefined;
}

const aNode = (number: number, more: Partial<NodeRoute> = {}): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  secondaryIP: `fd00:172:18::${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  carrier: "kubelet",
  ...more,
});

function aDataPlane() {
  const dataPlane: DataPlane = new DataPlane({
    clock,
    rng: seededRng("host"),
    logger: silentLogger,
    dialCarrier: memoryDialer(new MemoryCarriers({ clock, latency: () => 0 })),
    hostListeners: new HostSockets({
      clock,
      logger: silentLogger,
      datagrams: () => dataPlane.hostDatagrams,
      hostNodes: 0,
      onConnection: (socket) => socket.destroy(),
    }),
  });
  running.push(dataPlane);
  return { dataPlane };
}

const wanted = (dataPlane: DataPlane) => dataPlane.hostPorts().map((port) => port.wanted);

test("a node port of both families is on 127.0.0.1 and ::1, and of one family on that one", async () => {
  const port = await freePort("::1");
  if (port === undefined) return;
  const { dataPlane } = aDataPlane();
  const both = [aBackend("10.244.1.2"), aBackend("fd00:10:244:1::2")];
  const web = (backends: typeof both) =>
    aRoute("default/web", { clusterIPs: ["10.96.0.10", "fd00:10:96::a"], nodePort: port, backends });
  await dataPlane.program({
    nodes: { set: [aNode(1)], remove: [] },
    tables: [{ from: 0, to: 1, set: [web(both)], remove: [] }],
  });
  expect(wanted(dataPlane)).toEqual([`127.0.0.1:${port}`, `[::1]:${port}`]);
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [web(both.slice(0, 1))], remove: [] }] });
  expect(wanted(dataPlane)).toEqual([`127.0.0.1:${port}`]);
});

test("a host port of the first node is open on this machine while its pod is there", async () => {
  const port = (await freePort("127.0.0.1")) ?? 0;
  const { dataPlane } = aDataPlane();
  const hostPorts = [
    {
      pod: "default/logger-0",
      protocol: "TCP" as const,
      hostIP: "",
      hostPort: port,
      podIPs: ["10.244.1.2"],
      podPort: 80,
    },
  ];
  await dataPlane.program({ nodes: { set: [aNode(1, { hostPorts }), aNode(2)], remove: [] } });
  expect(dataPlane.hostPorts()).toMatchObject([
    { servicePort: "pod default/logger-0", node: "node-1", wanted: `127.0.0.1:${port}` },
  ]);
  await dataPlane.program({ nodes: { set: [aNode(1)], remove: [] } });
  expect(dataPlane.hostPorts()).toEqual([]);
  const elsewhere = [{ ...hostPorts[0], hostIP: "127.0.0.1" }] as typeof hostPorts;
  await dataPlane.program({ nodes: { set: [aNode(1, { hostPorts: elsewhere })], remove: [] } });
  expect(dataPlane.hostPorts()).toEqual([]);
});

test("in userspace mode a node port without endpoints is open too: the proxy accepts before it looks", async () => {
  const port = (await freePort("127.0.0.1")) ?? 0;
  const { dataPlane } = aDataPlane();
  await dataPlane.program({
    nodes: { set: [aNode(1)], remove: [] },
    tables: [{ from: 0, to: 1, set: [aRoute("default/web", { nodePort: port })], remove: [] }],
  });
  expect(wanted(dataPlane)).toEqual([]);
  await dataPlane.program({ balancer: "userspace" });
  expect(wanted(dataPlane)).toContain(`127.0.0.1:${port}`);
  await dataPlane.program({ balancer: "nftables" });
  expect(wanted(dataPlane)).toEqual([]);
});
