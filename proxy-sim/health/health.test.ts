import { afterEach, expect, test } from "@jest/globals";
import { readBody } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import type { Connection } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { memoryDialer } from "../dataplane/carrier-dialer.js";
import { DataPlane } from "../dataplane/data-plane.js";
import { aRoute } from "../dataplane/testing.js";
import { HealthServer, type HealthSource } from "./health-server.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const nodes = [1, 2].map((number) => ({
  nodeName: `node-${number}`,
  internalIP: `172.18.0.${number + 2}`,
  secondaryIP: `fc00:f853:ccd:e793::${number + 2}`,
  podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  carrier: "kubelet",
}));

/** Two nodes with a proxy; the first has two of web's endpoints. */
async function aCluster(source: Partial<HealthSource> = {}) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("health"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  const asked: string[] = [];
  const server = new HealthServer({
    nodeAt: (ip) => nodes.find((node) => [node.internalIP, node.secondaryIP].includes(ip))?.nodeName,
    health: () => ({
      healthy: true,
      eligible: true,
      lastUpdatedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
      nowMs: Date.UTC(2026, 0, 2, 3, 5, 0, 70),
    }),
    serviceAt: (port) => (port === 31_000 ? "default/web" : undefined),
    localEndpoints: (_, node, family) => (node === "node-1" && family === "IPv4" ? 2 : 0),
    mode: () => "ipvs",
    metrics: () => "kubeproxy_up 1\n",
    asked: (path, status) => asked.push(`${path} ${status}`),
    ...source,
  });
  carriers.register("proxy", server);
  const web = aRoute("default/web", { healthCheckNodePort: 31_000, externalTrafficPolicy: "Local" });
  await dataPlane.program({
    proxyCarrier: "proxy",
    nodes: { set: nodes, remove: [] },
    tables: [{ from: 0, to: 1, set: [web], remove: [] }],
  });
  const pod = network.addHost(["10.244.2.9", "fd00:10:244:2::9"]);
  const node = network.addHost(["172.18.0.3", "fc00:f853:ccd:e793::3"], { hasNodePorts: true });
  return { dataPlane, carriers, pod, node, asked };
}

type Host = { connect(to: { ip: string; port: number }): Promise<Connection> };

async function get(from: Host, ip: string, port: number, path = "/") {
  const connection = await from.connect({ ip, port });
  const { status, headers, body } = await new Http1Client(connection).request({
    method: "GET",
    path,
    headers: { host: "node", connection: "close" },
  });
  return { status, headers, text: Buffer.from(await readBody(body)).toString() };
}

test("a health check node port says how many endpoints its node has, and 503 where there is none", async () => {
  const { pod } = await aCluster();
  const here = await get(pod, "172.18.0.3", 31_000, "/anything");
  expect(here).toMatchObject({
    status: 200,
    headers: { "content-type": "application/json", "x-load-balancing-endpoint-weight": "2" },
  });
  expect(JSON.parse(here.text)).toEqual({
    service: { namespace: "default", name: "web" },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  expect(await get(pod, "172.18.0.4", 31_000)).toMatchObject({
    status: 503,
    headers: { "x-load-balancing-endpoint-weight": "0" },
  });
  expect((await get(pod, "fc00:f853:ccd:e793::3", 31_000)).status).toBe(503);
  await expect(get(pod, "172.18.0.3", 31_001)).rejects.toThrow();
});

test("the proxy's own health is on port 10256 of its node, and 10249 answers on loopback alone", async () => {
  const { pod, node, asked } = await aCluster();
  expect(await get(pod, "172.18.0.4", 10_256, "/healthz")).toMatchObject({
    status: 200,
    text: '{"lastUpdated": "2026-01-02 03:05:00.070 +0000 UTC","currentTime": "2026-01-02 03:05:00.070 +0000 UTC", "nodeEligible": true}',
  });
  expect((await get(node, "127.0.0.1", 10_256, "/livez")).text).not.toContain("nodeEligible");
  expect(await get(pod, "172.18.0.4", 10_256, "/else")).toMatchObject({
    status: 404,
    text: "404 page not found\n",
  });
  expect((await get(node, "127.0.0.1", 10_249, "/proxyMode")).text).toBe("ipvs");
  expect((await get(node, "127.0.0.1", 10_249, "/metrics")).text).toBe("kubeproxy_up 1\n");
  await expect(get(pod, "172.18.0.4", 10_249, "/metrics")).rejects.toThrow();
  expect(asked).toEqual(["healthz 200", "livez 200"]);
});

test("a node that is to be removed is alive but not healthy, and one whose rules are late is neither", async () => {
  const times = { lastUpdatedMs: Date.UTC(2026, 0, 2), nowMs: Date.UTC(2026, 0, 3) };
  const leaving = await aCluster({ health: () => ({ healthy: true, eligible: false, ...times }) });
  expect(await get(leaving.pod, "172.18.0.3", 10_256, "/healthz")).toMatchObject({
    status: 503,
    text: expect.stringContaining('"lastUpdated": "2026-01-02 00:00:00.000 +0000 UTC"') as never,
  });
  expect((await get(leaving.pod, "172.18.0.3", 10_256, "/livez")).status).toBe(200);
  const late = await aCluster({ health: () => ({ healthy: false, eligible: true, ...times }) });
  expect((await get(late.pod, "172.18.0.3", 10_256, "/livez")).status).toBe(503);
  const web = await get(late.pod, "172.18.0.3", 31_000);
  expect([web.status, JSON.parse(web.text)]).toEqual([
    503,
    expect.objectContaining({ serviceProxyHealthy: false }),
  ]);
});

test("a dead proxy's ports refuse while its node goes on, and a node that is down is unreachable", async () => {
  const { pod, carriers, dataPlane } = await aCluster();
  carriers.unregister("proxy");
  await expect(pod.connect({ ip: "172.18.0.3", port: 10_256 })).rejects.toMatchObject({ reason: "refused" });
  dataPlane.crashNode("node-1");
  await expect(pod.connect({ ip: "172.18.0.3", port: 10_256 })).rejects.toMatchObject({
    reason: "unreachable",
  });
});
