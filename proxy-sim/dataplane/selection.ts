import type { BackendPools, RouteEntry, RouteScope } from "./route-entry.js";
import type { Backend } from "./table.js";

/** Where a packet stands when it meets a route. */
export interface Vantage {
  node?: string | undefined;
  zone?: string | undefined;
  /** The packet came from outside the cluster, or from another node. */
  external: boolean;
}

export type Selection =
  | { kind: "backends"; backends: readonly Backend[]; policy: "Cluster" | "Local" }
  /** iptables REJECT: the client is refused. */
  | { kind: "reject"; reason: string }
  /** iptables DROP: the client waits. */
  | { kind: "drop"; reason: string };

/**
 * The endpoints that a packet may go to. In-cluster traffic to an external address with policy Local uses every endpoint,
 * as kube-proxy's short-circuit does.
 */
export function selectBackends(entry: RouteEntry, scope: RouteScope, vantage: Vantage): Selection {
  const { route, pools } = entry;
  const policy = policyOf(entry, scope, vantage);
  if (pools.cluster.length === 0) return { kind: "reject", reason: `${route.servicePort} has no endpoints` };
  if (policy === "Cluster")
    return { kind: "backends", policy, backends: preferred(pools, vantage) ?? pools.cluster };
  const backends = vantage.node === undefined ? undefined : pools.local.get(vantage.node);
  if (backends) return { kind: "backends", policy, backends };
  return { kind: "drop", reason: `${route.servicePort} has no local endpoints` };
}

export function policyOf(entry: RouteEntry, scope: RouteScope, vantage: Vantage): "Cluster" | "Local" {
  if (scope === "cluster") return entry.route.internalTrafficPolicy;
  return vantage.external ? entry.route.externalTrafficPolicy : "Cluster";
}

const preferred = (pools: BackendPools, { node, zone }: Vantage): readonly Backend[] | undefined =>
  (node === undefined ? undefined : pools.byNode?.get(node)) ??
  (zone === undefined ? undefined : pools.byZone?.get(zone));
