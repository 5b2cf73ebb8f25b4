import { familyOf, type IpFamily } from "../../machinery/network/addresses.js";
import { poolsFor, type RouteEntry, routeEntry } from "../dataplane/route-entry.js";
import { selectBackends } from "../dataplane/selection.js";
import type { Backend, ServicePortRoute } from "../dataplane/table.js";

/** What a rule set is made from: one node's table, seen in one address family, as kube-proxy programs them. */
export interface NodeTable {
  node: string;
  /** Its address of that family. */
  nodeIP: string;
  zone?: string;
  routes: readonly ServicePortRoute[];
}

/** Where the cluster's pods are: rules tell their traffic from others' by it. */
const CLUSTER_CIDRS: Readonly<Record<IpFamily, string>> = {
  IPv4: "10.244.0.0/16",
  IPv6: "fd00:10:244::/56",
};
export const clusterCidr = ({ family }: { family: IpFamily }): string => CLUSTER_CIDRS[family];

/** An address alone, as a prefix of its family. */
export const hostPrefix = (ip: string): string => `${ip}/${familyOf(ip) === "IPv6" ? 128 : 32}`;

/** One service port as this node's kernel is told of it in one address family. */
export interface ServiceRules {
  family: IpFamily;
  route: ServicePortRoute;
  clusterIPs: readonly string[];
  externalIPs: readonly string[];
  loadBalancerIPs: readonly string[];
  /** What policy Cluster may use, and what Local may. */
  cluster: readonly Backend[];
  local: readonly Backend[];
}

/** Those that have the family; one without a cluster IP of it has no rules at all. */
export const servicesOf = ({ routes, ...at }: NodeTable): ServiceRules[] =>
  routes
    .toSorted((a, b) => (a.servicePort < b.servicePort ? -1 : 1))
    .map((route) => serviceRules(routeEntry(route), at))
    .filter(({ clusterIPs }) => clusterIPs.length > 0);

export function serviceRules(
  entry: RouteEntry,
  { node, nodeIP, zone }: Omit<NodeTable, "routes">,
): ServiceRules {
  const { route } = entry;
  const family = familyOf(nodeIP);
  const ipv6 = family === "IPv6";
  const ofFamily = (ips: readonly string[]): string[] => ips.filter((ip) => familyOf(ip) === family);
  // A node port is under no internal policy, and a pod's own node under no external one.
  const selection = selectBackends(entry, "node-port", { node, zone, external: false, ipv6 });
  return {
    family,
    route,
    clusterIPs: ofFamily(route.clusterIPs),
    externalIPs: ofFamily(route.externalIPs),
    loadBalancerIPs: ofFamily(route.loadBalancerIPs),
    cluster: selection.kind === "backends" ? selection.backends : [],
    local: poolsFor(entry, ipv6).local.get(node) ?? [],
  };
}

export const usesLocal = ({ internalTrafficPolicy, externalTrafficPolicy }: ServicePortRoute): boolean =>
  internalTrafficPolicy === "Local" || externalTrafficPolicy === "Local";

export const hasExternal = ({ route, externalIPs, loadBalancerIPs }: ServiceRules): boolean =>
  route.nodePort !== undefined || externalIPs.length + loadBalancerIPs.length > 0;
