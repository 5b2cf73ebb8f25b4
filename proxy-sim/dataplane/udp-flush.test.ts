import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { balancerNamed } from "../balancers/balancers.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane } from "./data-plane.js";
import type { Backend, ServicePortRoute } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const DNS = { ip: "10.96.0.10", port: 53 };
const [a, b] = ["10.244.1.2", "10.244.1.3"].map((ip) => aBackend(ip, { nodeName: "node-1" })) as [
  Backend,
  Backend,
];
const draining: Partial<Backend> = { ready: false, serving: true, terminating: true };
const gone: Partial<Backend> = { ready: false, serving: false };

const dns = (backends: readonly Backend[], more: Partial<ServicePortRoute> = {}): ServicePortRoute =>
  aRoute("kube-system/kube-dns:dns", { protocol: "UDP", port: 53, nodePort: 30_053, backends, ...more });

/** One node in ipvs mode, so that endpoints come in turn, and a client that sends from ever new ports. */
async function aCluster() {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const balancer = balancerNamed("ipvs");
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("flush"),
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
  await dataPlane.program({ nodes: { set: [node], remove: [] } });
  let revision = 0;
  const program = async (...set: ServicePortRoute[]): Promise<number> => {
    const remove = set.length === 0 ? ["kube-system/kube-dns:dns"] : [];
    const result = await dataPlane.program({
      tables: [{ from: revision, to: revision + 1, set, remove }],
    });
    revision += 1;
    return result.kind === "programmed" ? result.conntrackDeleted : -1;
  };
  const send = (port: number, to = DNS): string | undefined => {
    const from = { ip: "10.244.1.9", port };
    dataPlane.sendDatagram(from, to, Buffer.from("query"));
    return dataPlane.datagrams.conntrack.original(from, to)?.translated.to.ip;
  };
  return { dataPlane, program, send };
}

test("only exchanges with the endpoint that is gone are forgotten", async () => {
  const { program, send } = await aCluster();
  await program(dns([a, b]));
  expect([send(1), send(2)]).toEqual([a.ip, b.ip]);
  expect(await program(dns([b]))).toBe(1);
  expect([send(1), send(2)]).toEqual([b.ip, b.ip]);
});

test("an endpoint that terminates keeps its exchanges while it serves, and so does a policy that changes", async () => {
  const { program, send } = await aCluster();
  await program(dns([a, b]));
  send(1);
  expect(await program(dns([{ ...a, ...draining }, b]))).toBe(0);
  expect(await program(dns([{ ...a, ...draining }, b], { internalTrafficPolicy: "Local" }))).toBe(0);
  expect(send(1)).toBe(a.ip);
  expect(await program(dns([{ ...a, ...gone }, b]))).toBe(1);
});

test("a Service without endpoints forgets nothing until it has some; one that is deleted forgets nothing", async () => {
  const { program, send } = await aCluster();
  await program(dns([a]));
  send(1);
  expect(await program(dns([]))).toBe(0);
  expect(send(1)).toBe(a.ip);
  expect(await program(dns([b]))).toBe(1);
  expect(send(1)).toBe(b.ip);
  expect(await program()).toBe(0);
  expect(send(1)).toBe(b.ip);
});

test("an exchange with a node's port from before there was a rule for it meets the rule when it comes", async () => {
  const { program, send } = await aCluster();
  const nodePort = { ip: "172.18.0.3", port: 30_053 };
  expect(send(1, nodePort)).toBe(nodePort.ip);
  expect(await program(dns([a]))).toBe(1);
  expect(send(1, nodePort)).toBe(a.ip);
});

test("a TCP Service of the same port flushes nothing", async () => {
  const { program, send } = await aCluster();
  await program(dns([a]));
  send(1);
  expect(await program({ ...dns([b]), servicePort: "kube-system/kube-dns:tcp", protocol: "TCP" })).toBe(0);
  expect(send(1)).toBe(a.ip);
});
