import { iptables } from "../../proxy-sim/balancers/iptables.js";
import type { Packet } from "../../proxy-sim/dataplane/decision.js";
import { Router } from "../../proxy-sim/dataplane/router.js";
import { routeKey } from "../../proxy-sim/dataplane/route-table.js";
import type { Backend, NodeRoute, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { median } from "../harness/statistics.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";

export interface LookupsOptions {
  services: number;
  /** Of each Service. */
  endpoints: number;
  nodes: number;
  durationMs: number;
}

export interface LookupsResult {
  /** Address and port to the Service's entry. */
  lookups: number;
  /** The whole decision about a packet: source node, entry, endpoint, the way to it. */
  decisions: number;
  /** The same keys in a plain Map. */
  map: number;
  /** One endpoint of one Service more or less, in the tables of all nodes: median. */
  updateUs: number;
}

/** Services share endpoints beyond so many, or the largest tables would not fit. */
const MOST_BACKENDS = 2500;
const BATCH = 1000;
const WARM_UP = 100_000;
const UPDATES = 200;

/** Routing decisions a second of one core, over a table of so many Services. */
export function run({ services, endpoints, nodes, durationMs }: LookupsOptions): LookupsResult {
  const rng = seededRng("lookups");
  const router = new Router({
    clock: systemClock(),
    rng: rng.fork("router"),
    balancer: iptables,
    hosts: {},
    serviceCIDRs: ["10.96.0.0/12"],
  });
  const backends = Array.from({ length: MOST_BACKENDS }, (_, i) => backendNumber(i, Math.min(nodes, 10)));
  const routes = Array.from({ length: services }, (_, i) => routeNumber(i, endpoints, backends));
  router.program({
    full: true,
    nodes: { set: Array.from({ length: nodes }, (_, i) => nodeNumber(i)), remove: [] },
    tables: [{ from: 0, to: 1, set: routes, remove: [] }],
  });
  const table = router.kernel("node-1")?.table;
  if (!table || table.size !== services) throw new Error("the table was not programmed");
  const packets = Array.from({ length: BATCH }, () => packetTo(routes[rng.int(0, services - 1)]));
  const map = new Map(routes.map((route) => [routeKey(addressOf(route), "TCP"), route]));
  const measures = {
    lookups: (packet: Packet) => table.lookup(packet.to, packet.protocol) !== undefined,
    decisions: (packet: Packet) => router.decide(packet).verdict === "forward",
    map: (packet: Packet) => map.has(routeKey(packet.to, packet.protocol)),
  };
  return {
    lookups: rateOf(packets, measures.lookups, durationMs),
    decisions: rateOf(packets, measures.decisions, durationMs),
    map: rateOf(packets, measures.map, durationMs),
    updateUs: updateUs(router, routes),
  };
}

function updateUs(router: Router, routes: readonly ServicePortRoute[]): number {
  const [route] = routes.slice(-1);
  if (!route) return Number.NaN;
  const fewer = { ...route, backends: route.backends.slice(1) };
  const tookUs: number[] = [];
  for (let i = 0; i < UPDATES; i++) {
    const from = router.newestRevision;
    const startedMs = performance.now();
    router.program({ tables: [{ from, to: from + 1, set: [i % 2 === 0 ? fewer : route], remove: [] }] });
    tookUs.push((performance.now() - startedMs) * 1000);
  }
  return median(tookUs);
}

/** In a second of CPU time: others on the machine, who make it slower, do not count. */
function rateOf(packets: readonly Packet[], ask: (packet: Packet) => boolean, durationMs: number): number {
  const once = (): void => {
    for (const packet of packets) if (!ask(packet)) throw new Error("a packet was not routed");
  };
  for (let asked = 0; asked < WARM_UP; asked += packets.length) once();
  const startedMs = cpuMs();
  let asked = 0;
  do {
    once();
    asked += packets.length;
  } while (cpuMs() < startedMs + durationMs);
  return (asked / (cpuMs() - startedMs)) * 1000;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const clusterIp = (i: number): string => `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
const podIp = (i: number, nodes: number): string =>
  `10.244.${i % nodes}.${2 + (Math.floor(i / nodes) % 250)}`;

function routeNumber(i: number, endpoints: number, backends: readonly Backend[]): ServicePortRoute {
  return {
    servicePort: `default/service-${i}`,
    serviceResourceVersion: "1",
    protocol: "TCP",
    clusterIPs: [clusterIp(i + 1)],
    port: 80,
    nodePort: 30000 + (i % 2768),
    externalIPs: [],
    loadBalancerIPs: [],
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    backends: Array.from(
      { length: endpoints },
      (_, j) => backends[(i * endpoints + j) % backends.length] as Backend,
    ),
  };
}

const backendNumber = (i: number, nodes: number): Backend => ({
  ip: podIp(i, nodes),
  port: 8080,
  nodeName: `node-${1 + (i % nodes)}`,
  ready: true,
  serving: true,
  terminating: false,
  weight: 1,
  slice: `default/service-${i}-x`,
  sliceResourceVersion: "1",
});

const nodeNumber = (i: number): NodeRoute => ({
  nodeName: `node-${i + 1}`,
  internalIP: `172.18.${(i + 3) >> 8}.${(i + 3) & 255}`,
  podCIDRs: [`10.${244 + (i >> 8)}.${i & 255}.0/24`],
  carrier: "/nowhere",
});

const addressOf = (route: ServicePortRoute) => ({ ip: route.clusterIPs[0] ?? "", port: route.port });

function packetTo(route: ServicePortRoute | undefined): Packet {
  if (!route) throw new Error("no such service");
  return { protocol: "TCP", from: { ip: "10.244.0.2", port: 40000 }, to: addressOf(route) };
}
