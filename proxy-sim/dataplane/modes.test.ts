import { expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import type { Packet } from "./decision.js";
import type { NodeRoute } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();

const aNode = (number: number): NodeRoute => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`],
  carrier: "kubelet",
});

/** Two nodes; each pod that is to listen is added to the network. */
async function aCluster() {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("modes"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
  });
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  await dataPlane.program({ nodes: { set: [aNode(1), aNode(2)], remove: [] } });
  return { dataPlane, network };
}

const from = (ip: string): Packet => ({
  protocol: "TCP",
  from: { ip, port: 40_000 },
  to: { ip: "10.96.0.10", port: 80 },
});

const backends = ["10.244.1.2", "10.244.1.3", "10.244.2.2"].map((ip) => aBackend(ip));
const table = { from: 0, to: 1, set: [aRoute("default/web", { backends })], remove: [] };

test("userspace passes over endpoints that refuse, and the pod sees its client's node", async () => {
  const { dataPlane, network } = await aCluster();
  await dataPlane.program({ balancer: "userspace", tables: [table] });
  for (const { ip } of backends) network.addHost(ip);
  const clients: string[] = [];
  network.addHost("10.244.2.3").listen(8080, ({ remote }) => void clients.push(remote.ip));
  await dataPlane.program({
    tables: [
      {
        from: 1,
        to: 2,
        set: [aRoute("default/web", { backends: [...backends.slice(0, 2), aBackend("10.244.2.3")] })],
        remove: [],
      },
    ],
  });
  const connection = await dataPlane.dial(from("10.244.1.9").from, from("10.244.1.9").to);
  expect(clients).toEqual(["172.18.0.3"]);
  expect(dataPlane.flows.list().map(({ backend, outcome }) => [backend, outcome])).toEqual([
    ["10.244.1.2:8080", "refused"],
    ["10.244.1.3:8080", "refused"],
    ["10.244.2.3:8080", "open"],
  ]);
  connection.reset();
  await dataPlane.close();
});

test("userspace accepts a client before it looks for an endpoint, and closes when there is none", async () => {
  const { dataPlane, network } = await aCluster();
  await dataPlane.program({ balancer: "userspace", tables: [table] });
  for (const { ip } of backends) network.addHost(ip);
  const client = network.addHost("10.244.1.9");
  const nobodyAnswers = await client.connect({ ip: "10.96.0.10", port: 80 });
  expect(await nobodyAnswers.read()).toBeUndefined();
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [aRoute("default/web")], remove: [] }] });
  const nobodyThere = await client.connect({ ip: "10.96.0.10", port: 80 });
  expect(await nobodyThere.read()).toBeUndefined();
  const flows = dataPlane.flows.list().map(({ outcome, reason }) => [outcome, reason]);
  expect(flows.slice(0, 4).map(([outcome]) => outcome)).toEqual(Array.from({ length: 4 }, () => "refused"));
  expect(flows.slice(4)).toEqual([
    ["closed", "no endpoint answered"],
    ["closed", "default/web has no endpoints"],
  ]);
  await dataPlane.close();
});

test("iptables does not try another endpoint when one refuses", async () => {
  const { dataPlane, network } = await aCluster();
  await dataPlane.program({ balancer: "iptables", tables: [table] });
  for (const { ip } of backends) network.addHost(ip);
  await expect(dataPlane.dial(from("10.244.1.9").from, from("10.244.1.9").to)).rejects.toMatchObject({
    reason: "refused",
  });
  expect(dataPlane.flows.list()).toHaveLength(1);
  await dataPlane.close();
});

test("each node balances in its own proxy's mode, and switches while its table stays", async () => {
  const { dataPlane } = await aCluster();
  await dataPlane.program({
    balancer: "ipvs-rr",
    nodeBalancers: { "node-2": "ipvs-dh" },
    tables: [table],
  });
  const picks = (ip: string): (string | undefined)[] =>
    [1, 2, 3, 4].map(() => dataPlane.router.decide(from(ip)).backend?.ip);
  expect(picks("10.244.1.9")).toEqual(["10.244.1.2", "10.244.1.3", "10.244.2.2", "10.244.1.2"]);
  expect(new Set(picks("10.244.2.9")).size).toBe(1);
  await dataPlane.program({ balancer: "userspace" });
  expect(dataPlane.router.decide(from("10.244.2.9"))).toMatchObject({
    balancer: "userspace",
    tableRevision: 1,
    from: { ip: "172.18.0.4" },
  });
  await expect(dataPlane.program({ balancer: "ebpf" })).rejects.toThrow('unknown proxy mode "ebpf"');
  await dataPlane.close();
});

test("least connections counts what is open through this node, until it ends", async () => {
  const { dataPlane } = await aCluster();
  await dataPlane.program({ balancer: "ipvs-lc", tables: [table] });
  const open = (ip: string) => dataPlane.begin(from(ip));
  const first = open("10.244.1.9");
  expect([first, open("10.244.1.9"), open("10.244.1.9")].map(({ record }) => record.backend)).toEqual(
    backends.map(({ ip }) => `${ip}:8080`),
  );
  expect(open("10.244.2.9").record.backend).toBe("10.244.1.2:8080");
  open("10.244.1.9");
  dataPlane.flows.ended(first.record, "open");
  dataPlane.flows.ended(first.record, "open");
  expect(open("10.244.1.9").record.backend).toBe("10.244.1.2:8080");
  await dataPlane.close();
});
