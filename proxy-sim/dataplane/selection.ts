import { cidrContains, familyOf } from "../../machinery/network/addresses.js";
import type { ProxyMode } from "../balancers/balancer.js";
import { type BackendPools, poolsFor, type RouteEntry, type RouteScope } from "./route-entry.js";
import type { Backend } from "./table.js";

/** Where a packet stands when it meets a route. */
export interface Vantage {
  node?: string | undefined;
  zone?: string | undefined;
  /** The packet came from outside the cluster, or from another node. */
  external: boolean;
  clientIp?: string;
  /** By an IPv6 address; then only IPv6 endpoints count. */
  ipv6?: boolean;
  /** Default: iptables. */
  mode?: ProxyMode;
}

export type Selection =
  | { kind: "backends"; backends: readonly Backend[]; policy: "Cluster" | "Local" }
  /** iptables REJECT: the client is refused. */
  | { kind: "reject"; reason: string }
  /** iptables DROP: the client waits. */
  | { kind: "drop"; reason: string }
  /** A proxy in userspace accepts before it looks for an endpoint. */
  | { kind: "close"; reason: string };

/**
 * The endpoints that a packet may go to. In-cluster traffic to an external address with policy Local uses every endpoint,
 * as kube-proxy's short-circuit does.
 */
export function selectBackends(entry: RouteEntry, scope: RouteScope, vantage: Vantage): Selection {
  const { servicePort } = entry.route;
  const pools = poolsFor(entry, vantage.ipv6 === true);
  const reason = `${servicePort} has no endpoints`;
  if (vantage.mode === "userspace") {
    // It was retired before traffic policies, hints and terminating endpoints came to mean anything.
    const isReady = pools.cluster.length > 0 && pools.cluster.every(({ ready }) => ready);
    return isReady
      ? { kind: "backends", policy: "Cluster", backends: pools.cluster }
      : { kind: "close", reason };
  }
  if (pools.cluster.length === 0) return { kind: "reject", reason };
  if (scope === "load-balancer" && !isAllowedSource(entry, vantage.clientIp))
    return { kind: "drop", reason: `${vantage.clientIp} is not in loadBalancerSourceRanges` };
  const policy = policyOf(entry, scope, vantage);
  if (policy === "Cluster")
    return { kind: "backends", policy, backends: preferred(pools, vantage) ?? pools.cluster };
  const backends = vantage.node === undefined ? undefined : pools.local.get(vantage.node);
  if (backends) return { kind: "backends", policy, backends };
  // Upstream: pkg/proxy/ipvs syncEndpoint. Replies to a client outside have the pod's address and mean nothing to it.
  if (vantage.mode === "ipvs" && !vantage.external)
    return { kind: "backends", policy, backends: pools.cluster };
  return { kind: "drop", reason: `${servicePort} has no local endpoints` };
}

export function policyOf(entry: RouteEntry, scope: RouteScope, vantage: Vantage): "Cluster" | "Local" {
  if (vantage.mode === "userspace") return "Cluster";
  if (scope === "cluster") return entry.route.internalTrafficPolicy;
  return vantage.external ? entry.route.externalTrafficPolicy : "Cluster";
}

function isAllowedSource({ route }: RouteEntry, clientIp: string | undefined): boolean {
  if (clientIp === undefined) return true;
  // Each family has rules of its own; without a range of it, it has no firewall.
  const ranges =
    route.loadBalancerSourceRanges?.filter((range) => familyOf(range) === familyOf(clientIp)) ?? [];
  return ranges.length === 0 || ranges.some((range) => cidrContains(range, clientIp));
}

const preferred = (pools: BackendPools, { node, zone }: Vantage): readonly Backend[] | undefined =>
  (node === undefined ? undefined : pools.byNode?.get(node)) ??
  (zone === undefined ? undefined : pools.byZone?.get(zone));
