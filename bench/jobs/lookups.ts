import { iptables } from "../../proxy-sim/balancers/iptables.js";
import type { Packet } from "../../proxy-sim/dataplane/decision.js";
import { Router } from "../../proxy-sim/dataplane/router.js";
import { routeKey } from "../../proxy-sim/dataplane/route-table.js";
import type { Backend, NodeRoute, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";

export interface LookupsOptions {
  services: number;
  durationMs: number;
}

export interface LookupsResult {
  /** Address and port to the Service's entry. */
  lookups: number;
  /** The whole decision about a packet: source node, entry, endpoint, the way to it. */
  decisions: number;
  /** The same keys in a plain Map. */
  map: number;
}

const NODES = 10;
const BACKENDS = 3;
const BATCH = 1000;

/** Routing decisions a second in one process, over a table of so many Services. */
export function run({ services, durationMs }: LookupsOptions): LookupsResult {
  const rng = seededRng("lookups");
  const router = new Router({
    clock: systemClock(),
    rng: rng.fork("router"),
    balancer: iptables,
    hosts: {},
    serviceCIDRs: ["10.96.0.0/12"],
  });
  const routes = Array.from({ length: services }, (_, i) => routeNumber(i));
  router.program({
    full: true,
    nodes: { set: Array.from({ length: NODES }, (_, i) => nodeNumber(i)), remove: [] },
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
  };
}

function rateOf(packets: readonly Packet[], ask: (packet: Packet) => boolean, durationMs: number): number {
  const once = (): void => {
    for (const packet of packets) if (!ask(packet)) throw new Error("a packet was not routed");
  };
  const warmUntilMs = performance.now() + durationMs / 4;
  while (performance.now() < warmUntilMs) once();
  const startedMs = performance.now();
  let asked = 0;
  while (performance.now() < startedMs + durationMs) {
    once();
    asked += packets.length;
  }
  return (asked / (performance.now() - startedMs)) * 1000;
}

const clusterIp = (i: number): string => `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
const podIp = (i: number): string => `10.244.${i % NODES}.${2 + (Math.floor(i / NODES) % 250)}`;

function routeNumber(i: number): ServicePortRoute {
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
    backends: Array.from({ length: BACKENDS }, (_, j) => backendNumber(i * BACKENDS + j, i)),
  };
}

const backendNumber = (i: number, service: number): Backend => ({
  ip: podIp(i),
  port: 8080,
  nodeName: `node-${1 + (i % NODES)}`,
  ready: true,
  serving: true,
  terminating: false,
  weight: 1,
  slice: `default/service-${service}-x`,
  sliceResourceVersion: "1",
});

const nodeNumber = (i: number): NodeRoute => ({
  nodeName: `node-${i + 1}`,
  internalIP: `172.18.0.${3 + i}`,
  podCIDRs: [`10.244.${i}.0/24`],
  carrier: "/nowhere",
});

const addressOf = (route: ServicePortRoute) => ({ ip: route.clusterIPs[0] ?? "", port: route.port });

function packetTo(route: ServicePortRoute | undefined): Packet {
  if (!route) throw new Error("no such service");
  return { protocol: "TCP", from: { ip: "10.244.0.2", port: 40000 }, to: addressOf(route) };
}
