import { setTimeout as sleep } from "node:timers/promises";
import type { Node, Service } from "../../machinery/api/core-v1.js";
import type { EndpointSlice } from "../../machinery/api/discovery-v1.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { memoryDialer } from "../../proxy-sim/dataplane/carrier-dialer.js";
import { DataPlane } from "../../proxy-sim/dataplane/data-plane.js";
import type { DataPlaneApi, ProgramTransaction } from "../../proxy-sim/dataplane/table.js";
import { Proxy } from "../../proxy-sim/proxy.js";
import { ListedObjects } from "./listed-objects.js";

export interface TablesOptions {
  services: number;
  /** Of each Service, in slices of 100. */
  endpoints: number;
  nodes: number;
  /** Every node has watches of its own. */
  watchPerNode?: boolean;
  /** Endpoints that go and come, one at a time. */
  changes: number;
}

export interface TablesResult {
  /** From the proxy's start until every node has the whole table. */
  loadMs: number;
  /** Of the process: proxy, data plane, and the serialised objects that it was given. */
  residentMB: number;
  /** From a watch's event with one endpoint more or less until the last node's table has it. */
  changeMs: readonly number[];
}

const SLICE_OF = 100;
const SERVICES = "/api/v1/services";
const SLICES = "/apis/discovery.k8s.io/v1/endpointslices";
const NODES = "/api/v1/nodes";
const PAUSE_MS = 25;
const LIMIT_MS = 60_000;

/** The proxy and the data plane of a cluster, in one process: whole objects in, tables out, every transaction as JSON. */
export async function run(options: TablesOptions): Promise<TablesResult> {
  const changing = slicesOf(options.services - 1, options.endpoints)[0];
  const api = new ListedObjects({
    [SERVICES]: range(options.services).map((i) => JSON.stringify(serviceNumber(i))),
    [SLICES]: range(options.services).flatMap((i) =>
      slicesOf(i, options.endpoints).map((slice) => JSON.stringify(slice)),
    ),
    [NODES]: range(options.nodes).map((i) => JSON.stringify(nodeNumber(i))),
  });
  const clock = systemClock();
  const rng = seededRng("tables");
  const dataPlane = new DataPlane({
    clock,
    rng: rng.fork("dataplane"),
    logger: silentLogger,
    dialCarrier: memoryDialer(new MemoryCarriers({ clock, latency: () => 0 })),
  });
  const proxy = new Proxy({
    client: new RestClient({ transport: api, clock, userAgent: "bench" }),
    dataPlane: overJson(dataPlane),
    clock,
    rng: rng.fork("proxy"),
    logger: silentLogger,
    config: options.watchPerNode ? { watchedNodes: options.nodes } : {},
  });
  const stop = new AbortController();
  const startedMs = performance.now();
  const running = proxy.run(stop.signal);
  const isWhole = (): boolean =>
    tables(dataPlane).length === options.nodes &&
    tables(dataPlane).every(({ size }) => size === options.services);
  await until(isWhole);
  const loadMs = performance.now() - startedMs;
  const residentMB = process.memoryUsage.rss() / 2 ** 20;
  const watches = options.watchPerNode ? options.nodes + 1 : 1;
  await until(() => api.watching(SLICES) === watches);
  await sleep(PAUSE_MS);
  const changeMs: number[] = [];
  for (let i = 0; i <= options.changes && changing; i++) {
    const tookMs = await change(api, dataPlane, i % 2 === 0 ? withoutFirst(changing) : changing);
    // The first one warms up.
    if (i > 0) changeMs.push(tookMs);
    await sleep(PAUSE_MS);
  }
  stop.abort();
  await running;
  return { loadMs, residentMB, changeMs };
}

const tables = (dataPlane: DataPlane) => [...dataPlane.router.kernels()].map(({ table }) => table);

async function change(api: ListedObjects, dataPlane: DataPlane, slice: EndpointSlice): Promise<number> {
  const before = dataPlane.router.newestRevision;
  const startedMs = performance.now();
  api.modify(SLICES, slice);
  await until(() => tables(dataPlane).every(({ revision }) => revision > before));
  return performance.now() - startedMs;
}

async function until(condition: () => boolean): Promise<void> {
  const limitMs = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > limitMs) throw new Error("the tables did not follow within a minute");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What crosses the admin socket between the two processes, without the socket. */
const overJson = (dataPlane: DataPlane): DataPlaneApi => ({
  program: (transaction) => dataPlane.program(JSON.parse(JSON.stringify(transaction)) as ProgramTransaction),
  boots: (signal) => dataPlane.boots(signal),
});

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const metadata = (name: string, labels: Record<string, string> = {}) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  labels,
});

const serviceNumber = (i: number): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(`service-${i}`),
  spec: {
    type: "ClusterIP",
    clusterIP: `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
    sessionAffinity: "None",
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
  },
  status: { loadBalancer: {} },
});

const slicesOf = (service: number, endpoints: number): EndpointSlice[] =>
  range(Math.ceil(endpoints / SLICE_OF)).map((number) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`service-${service}-${number}`, {
      "kubernetes.io/service-name": `service-${service}`,
    }),
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints: range(Math.min(SLICE_OF, endpoints - number * SLICE_OF)).map((j) => ({
      addresses: [podIp(service * endpoints + number * SLICE_OF + j)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${1 + ((service + j) % 1000)}`,
      targetRef: { kind: "Pod", namespace: "default", name: `service-${service}-${number * SLICE_OF + j}` },
    })),
  }));

const podIp = (i: number): string => `10.${128 + ((i >> 16) & 127)}.${(i >> 8) & 255}.${i & 255}`;

const withoutFirst = (slice: EndpointSlice): EndpointSlice => ({
  ...slice,
  endpoints: slice.endpoints.slice(1),
});

const nodeNumber = (i: number): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { ...metadata(`node-${i + 1}`), annotations: { "kubesim.dev/carrier": "nobody" } },
  spec: { podCIDRs: [`10.${244 + (i >> 8)}.${i & 255}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `172.18.${i >> 8}.${i & 255}` }] },
});
