import type { Protocol } from "../../machinery/api/core-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import { PersistentMap } from "../persistent-map.js";
import { type Match, type RouteEntry, type RouteScope, routeEntry } from "./route-entry.js";
import type { RouteKey, ServicePortRoute } from "./table.js";

/** What one or many nodes know at a revision. Immutable; versions share what did not change. */
export class RouteTable {
  static readonly empty = new RouteTable(0, {
    byKey: PersistentMap.empty(),
    byServicePort: PersistentMap.empty(),
    nodePorts: PersistentMap.empty(),
    healthChecks: PersistentMap.empty(),
  });

  readonly revision: number;
  readonly #maps: TableMaps;

  constructor(revision: number, maps: TableMaps) {
    this.revision = revision;
    this.#maps = maps;
  }

  /** A Service's address: cluster IP, external IP or load balancer IP. */
  lookup(to: SocketAddress, protocol: Protocol): Match | undefined {
    return this.#maps.byKey.get(routeKey(to, protocol));
  }

  nodePort(port: number, protocol: Protocol): Match | undefined {
    return this.#maps.nodePorts.get(`${port}/${protocol}`);
  }

  /** Whether a Service has its health check on this port of the nodes. */
  isHealthCheck(port: number): boolean {
    return this.#maps.healthChecks.has(String(port));
  }

  get(servicePort: string): RouteEntry | undefined {
    return this.#maps.byServicePort.get(servicePort);
  }

  get size(): number {
    return this.#maps.byServicePort.size;
  }

  routes(): IterableIterator<RouteEntry> {
    return this.#maps.byServicePort.values();
  }

  /** Node ports that differ between this table and `next`: key `30080/TCP`. */
  changedNodePorts(next: RouteTable): { set: [string, Match][]; removed: string[] } {
    return this.#maps.nodePorts.diff(next.#maps.nodePorts);
  }

  /** Routes that differ between this table and `next`. */
  changesTo(next: RouteTable): { set: ServicePortRoute[]; remove: string[] } {
    const { set, removed } = this.#maps.byServicePort.diff(next.#maps.byServicePort);
    return { set: set.map(([, { route }]) => route), remove: removed };
  }

  apply(revision: number, set: readonly ServicePortRoute[], remove: readonly string[]): RouteTable {
    let maps = this.#maps;
    for (const servicePort of remove) maps = without(maps, servicePort);
    for (const route of set) maps = withRoute(without(maps, route.servicePort), routeEntry(route));
    return new RouteTable(revision, maps);
  }
}

interface TableMaps {
  byKey: PersistentMap<Match>;
  byServicePort: PersistentMap<RouteEntry>;
  nodePorts: PersistentMap<Match>;
  /** `healthCheckNodePort` → the service port that brought it. */
  healthChecks: PersistentMap<string>;
}

export const routeKey = (to: SocketAddress, protocol: Protocol): RouteKey =>
  `${formatAddress(to)}/${protocol}`;

function withRoute(maps: TableMaps, entry: RouteEntry): TableMaps {
  const { route } = entry;
  let { byKey, nodePorts, healthChecks } = maps;
  for (const { ip, scope } of addressesOf(route)) {
    const key = routeKey({ ip, port: route.port }, route.protocol);
    // Two Services may claim one external IP; the first keeps it.
    if (!byKey.has(key)) byKey = byKey.with(key, { entry, scope });
  }
  if (route.nodePort !== undefined)
    nodePorts = nodePorts.with(`${route.nodePort}/${route.protocol}`, { entry, scope: "node-port" });
  if (route.healthCheckNodePort !== undefined)
    healthChecks = healthChecks.with(String(route.healthCheckNodePort), route.servicePort);
  const byServicePort = maps.byServicePort.with(route.servicePort, entry);
  return { byKey, nodePorts, healthChecks, byServicePort };
}

function without(maps: TableMaps, servicePort: string): TableMaps {
  const old = maps.byServicePort.get(servicePort);
  if (!old) return maps;
  let { byKey, nodePorts, healthChecks } = maps;
  for (const { ip } of addressesOf(old.route)) {
    const key = routeKey({ ip, port: old.route.port }, old.route.protocol);
    if (byKey.get(key)?.entry === old) byKey = byKey.without(key);
  }
  const portKey = `${old.route.nodePort}/${old.route.protocol}`;
  if (nodePorts.get(portKey)?.entry === old) nodePorts = nodePorts.without(portKey);
  const healthCheck = String(old.route.healthCheckNodePort);
  if (healthChecks.get(healthCheck) === servicePort) healthChecks = healthChecks.without(healthCheck);
  return { byKey, nodePorts, healthChecks, byServicePort: maps.byServicePort.without(servicePort) };
}

const addressesOf = (route: ServicePortRoute): { ip: string; scope: RouteScope }[] => [
  ...route.clusterIPs.map((ip) => ({ ip, scope: "cluster" as const })),
  ...route.externalIPs.map((ip) => ({ ip, scope: "external" as const })),
  ...route.loadBalancerIPs.map((ip) => ({ ip, scope: "load-balancer" as const })),
];
