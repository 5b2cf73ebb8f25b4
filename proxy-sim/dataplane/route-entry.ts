import type { Backend, ServicePortRoute } from "./table.js";

/** By which of a Service's addresses a packet found its route. */
export type RouteScope = "cluster" | "external" | "load-balancer" | "node-port";

/** A route as a table holds it: what follows from it is worked out once, however many nodes share it. */
export interface RouteEntry {
  readonly route: ServicePortRoute;
  readonly pools: BackendPools;
  /** By address family: a client that dials an IPv6 address can only get an IPv6 endpoint. */
  readonly pools4: BackendPools;
  readonly pools6: BackendPools;
}

/** What a lookup found. */
export interface Match {
  entry: RouteEntry;
  scope: RouteScope;
}

/** Endpoints by who may use them (upstream: pkg/proxy/topology.go CategorizeEndpoints). */
export interface BackendPools {
  /** Ready endpoints, or without any the terminating ones that still serve. */
  readonly cluster: readonly Backend[];
  /** The same, taken for each node from its own endpoints. */
  readonly local: ReadonlyMap<string, readonly Backend[]>;
  /** By hint, when every ready endpoint has one. */
  readonly byZone: ReadonlyMap<string, readonly Backend[]> | undefined;
  readonly byNode: ReadonlyMap<string, readonly Backend[]> | undefined;
}

export function routeEntry(route: ServicePortRoute): RouteEntry {
  let pools: BackendPools | undefined;
  let pools4: BackendPools | undefined;
  let pools6: BackendPools | undefined;
  return {
    route,
    get pools() {
      pools ??= poolsOf(route.backends);
      return pools;
    },
    get pools4() {
      pools4 ??= route.backends.some(isIpv6)
        ? poolsOf(route.backends.filter((each) => !isIpv6(each)))
        : this.pools;
      return pools4;
    },
    get pools6() {
      pools6 ??= route.backends.every(isIpv6) ? this.pools : poolsOf(route.backends.filter(isIpv6));
      return pools6;
    },
  };
}

const isIpv6 = ({ ip }: Backend): boolean => ip.includes(":");

export const poolsFor = (entry: RouteEntry, ipv6: boolean): BackendPools =>
  ipv6 ? entry.pools6 : entry.pools4;

export function poolsOf(backends: readonly Backend[]): BackendPools {
  const cluster = usable(backends);
  const ready = cluster.every((backend) => backend.ready) ? cluster : [];
  const local = new Map<string, readonly Backend[]>();
  for (const [node, own] of groupedBy(backends, (backend) => (backend.nodeName ? [backend.nodeName] : []))) {
    const eligible = usable(own);
    if (eligible.length > 0) local.set(node, eligible);
  }
  return {
    cluster,
    local,
    byZone: hinted(ready, (backend) => backend.zoneHints),
    byNode: hinted(ready, (backend) => backend.nodeHints),
  };
}

function usable(backends: readonly Backend[]): readonly Backend[] {
  const ready = backends.filter((backend) => backend.ready);
  return ready.length > 0 ? ready : backends.filter((backend) => backend.serving && backend.terminating);
}

function hinted(
  ready: readonly Backend[],
  hintsOf: (backend: Backend) => readonly string[] | undefined,
): ReadonlyMap<string, readonly Backend[]> | undefined {
  const complete = ready.length > 0 && ready.every((backend) => (hintsOf(backend)?.length ?? 0) > 0);
  return complete ? groupedBy(ready, (backend) => hintsOf(backend) ?? []) : undefined;
}

function groupedBy(
  backends: readonly Backend[],
  keysOf: (backend: Backend) => readonly string[],
): Map<string, Backend[]> {
  const groups = new Map<string, Backend[]>();
  for (const backend of backends) {
    for (const key of keysOf(backend)) {
      const group = groups.get(key);
      if (group) group.push(backend);
      else groups.set(key, [backend]);
    }
  }
  return groups;
}

export const backendKey = (backend: Backend): string =>
  backend.ip.includes(":") ? `[${backend.ip}]:${backend.port}` : `${backend.ip}:${backend.port}`;
