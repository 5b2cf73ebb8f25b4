import { type RouteEntry, routeEntry } from "../dataplane/route-entry.js";
import { selectBackends } from "../dataplane/selection.js";
import type { Backend, ServicePortRoute } from "../dataplane/table.js";

/** What a rule set is made from: one node's table. */
export interface NodeTable {
  node: string;
  nodeIP: string;
  zone?: string;
  routes: readonly ServicePortRoute[];
}

/** Where the cluster's pods are: rules tell their traffic from others' by it. */
export const CLUSTER_CIDR = "10.244.0.0/16";

/** One service port as this node's kernel is told of it, IPv4 only. */
export interface ServiceRules {
  route: ServicePortRoute;
  clusterIPs: readonly string[];
  externalIPs: readonly string[];
  loadBalancerIPs: readonly string[];
  /** What policy Cluster may use, and what Local may. */
  cluster: readonly Backend[];
  local: readonly Backend[];
}

export const servicesOf = ({ routes, ...at }: NodeTable): ServiceRules[] =>
  routes
    .toSorted((a, b) => (a.servicePort < b.servicePort ? -1 : 1))
    .map((route) => serviceRules(routeEntry(route), at));

export function serviceRules(entry: RouteEntry, { node, zone }: Omit<NodeTable, "routes">): ServiceRules {
  const { route } = entry;
  // A node port is under no internal policy, and a pod's own node under no external one.
  const selection = selectBackends(entry, "node-port", { node, zone, external: false });
  return {
    route,
    clusterIPs: route.clusterIPs.filter(isIpv4),
    externalIPs: route.externalIPs.filter(isIpv4),
    loadBalancerIPs: route.loadBalancerIPs.filter(isIpv4),
    cluster: selection.kind === "backends" ? selection.backends : [],
    local: entry.pools4.local.get(node) ?? [],
  };
}

const isIpv4 = (ip: string): boolean => !ip.includes(":");

export const usesLocal = ({ internalTrafficPolicy, externalTrafficPolicy }: ServicePortRoute): boolean =>
  internalTrafficPolicy === "Local" || externalTrafficPolicy === "Local";

export const hasExternal = ({ route, externalIPs, loadBalancerIPs }: ServiceRules): boolean =>
  route.nodePort !== undefined || externalIPs.length + loadBalancerIPs.length > 0;
