import type { Backend } from "../dataplane/table.js";
import { nftablesEndpointName, nftablesName, protocolOf } from "./names.js";
import {
  CLUSTER_CIDR,
  hasExternal,
  type NodeTable,
  type ServiceRules,
  servicesOf,
  usesLocal,
} from "./node-table.js";

const ADDRESS_KEY = "type ipv4_addr . inet_proto . inet_service : verdict";
const PORT_KEY = "type inet_proto . inet_service : verdict";

/** What kube-proxy in nftables mode makes of a node's table, in the shape of `nft list table ip kube-proxy`. */
export function nftList(table: NodeTable): string {
  const services = servicesOf(table);
  const withEndpoints = services.filter(({ cluster }) => cluster.length > 0);
  const blocks = [
    set(
      "cluster-ips",
      "Active ClusterIPs",
      services.flatMap(({ clusterIPs }) => clusterIPs),
    ),
    set("nodeport-ips", "IPs that accept NodePort traffic", [table.nodeIP]),
    map(
      "no-endpoint-services",
      ADDRESS_KEY,
      "vmap to drop or reject packets to services with no endpoints",
      services.flatMap(deadAddresses),
    ),
    map(
      "no-endpoint-nodeports",
      PORT_KEY,
      "vmap to drop or reject packets to service nodeports with no endpoints",
      services.flatMap(deadPorts),
    ),
    map(
      "firewall-ips",
      ADDRESS_KEY,
      "destinations that are subject to LoadBalancerSourceRanges",
      withEndpoints.flatMap(guardedAddresses),
    ),
    map(
      "service-ips",
      ADDRESS_KEY,
      "ClusterIP, ExternalIP and LoadBalancer IP traffic",
      withEndpoints.flatMap(addresses),
    ),
    map("service-nodeports", PORT_KEY, "NodePort traffic", withEndpoints.flatMap(nodePorts)),
    chain("mark-for-masquerade", ["meta mark set meta mark | 0x00004000"]),
    chain("reject-chain", ["reject"]),
    chain("services", [
      "ip daddr . meta l4proto . th dport vmap @service-ips",
      "ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports",
    ]),
    ...withEndpoints.flatMap(serviceChains),
    ...withEndpoints.flatMap(firewallChain),
  ];
  return `table ip kube-proxy {\n\tcomment "rules for kube-proxy"\n\n${blocks.join("\n\n")}\n}\n`;
}

const block = (head: string, lines: readonly string[]): string =>
  `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}`;
const chain = (name: string, rules: readonly string[]): string => block(`chain ${name}`, rules);
const elements = (items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`elements = { ${items.join(",\n\t\t\t     ")} }`];
const set = (name: string, comment: string, items: readonly string[]): string =>
  block(`set ${name}`, ["type ipv4_addr", `comment "${comment}"`, ...elements(items)]);
const map = (name: string, type: string, comment: string, items: readonly string[]): string =>
  block(`map ${name}`, [type, `comment "${comment}"`, ...elements(items)]);

const addressKey = ({ route }: ServiceRules, ip: string): string =>
  `${ip} . ${protocolOf(route)} . ${route.port}`;
const externalAddresses = ({ externalIPs, loadBalancerIPs }: ServiceRules): string[] => [
  ...externalIPs,
  ...loadBalancerIPs,
];

function addresses(service: ServiceRules): string[] {
  const { route, clusterIPs, local } = service;
  const name = nftablesName(route);
  const isLocal = route.internalTrafficPolicy === "Local";
  const internal = isLocal && local.length === 0 ? [] : clusterIPs;
  return [
    ...internal.map((ip) => `${addressKey(service, ip)} : goto ${isLocal ? "local" : "service"}-${name}`),
    ...externalAddresses(service).map((ip) => `${addressKey(service, ip)} : goto external-${name}`),
  ];
}

const nodePorts = ({ route }: ServiceRules): string[] =>
  route.nodePort === undefined
    ? []
    : [`${protocolOf(route)} . ${route.nodePort} : goto external-${nftablesName(route)}`];

const guardedAddresses = (service: ServiceRules): string[] =>
  service.route.loadBalancerSourceRanges
    ? service.loadBalancerIPs.map(
        (ip) =>
          `${addressKey(service, ip)} comment "${service.route.servicePort}" : goto firewall-${nftablesName(service.route)}`,
      )
    : [];

function firewallChain({ route, loadBalancerIPs }: ServiceRules): string[] {
  const ranges = route.loadBalancerSourceRanges;
  if (!ranges || loadBalancerIPs.length === 0) return [];
  return [chain(`firewall-${nftablesName(route)}`, [`ip saddr != { ${ranges.join(", ")} } drop`])];
}

/** What becomes of packets by an address or a node port that leads nowhere on this node. */
function deadEnd({ route, cluster, local }: ServiceRules, external: boolean): string | undefined {
  if (cluster.length === 0) return "goto reject-chain";
  const policy = external ? route.externalTrafficPolicy : route.internalTrafficPolicy;
  return policy === "Local" && local.length === 0 ? "drop" : undefined;
}

function deadAddresses(service: ServiceRules): string[] {
  const dead = (ips: readonly string[], external: boolean): string[] => {
    const verdict = deadEnd(service, external);
    if (verdict === undefined) return [];
    return ips.map((ip) => `${addressKey(service, ip)} comment "${service.route.servicePort}" : ${verdict}`);
  };
  return [...dead(service.clusterIPs, false), ...dead(externalAddresses(service), true)];
}

function deadPorts(service: ServiceRules): string[] {
  const { route } = service;
  const verdict = deadEnd(service, true);
  if (route.nodePort === undefined || verdict === undefined) return [];
  return [`${protocolOf(route)} . ${route.nodePort} comment "${route.servicePort}" : ${verdict}`];
}

function serviceChains(service: ServiceRules): string[] {
  const { route, cluster, local } = service;
  const name = nftablesName(route);
  const hasLocal = usesLocal(route) && local.length > 0;
  const reached = [...new Set([...cluster, ...(hasLocal ? local : [])])];
  return [
    ...(hasExternal(service) ? [externalChain(service)] : []),
    chain(`service-${name}`, balancing(service, cluster)),
    ...(hasLocal ? [chain(`local-${name}`, balancing(service, local))] : []),
    ...reached.map((endpoint) => endpointChain(service, endpoint)),
  ];
}

function externalChain({ route, local }: ServiceRules): string {
  const name = nftablesName(route);
  if (route.externalTrafficPolicy === "Cluster")
    return chain(`external-${name}`, ["jump mark-for-masquerade", `goto service-${name}`]);
  return chain(`external-${name}`, [
    `ip saddr ${CLUSTER_CIDR} goto service-${name} comment "short-circuit pod traffic"`,
    'fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"',
    `fib saddr type local goto service-${name} comment "short-circuit local traffic"`,
    ...(local.length > 0 ? [`goto local-${name}`] : []),
  ]);
}

function balancing({ route, clusterIPs }: ServiceRules, endpoints: readonly Backend[]): string[] {
  const verdicts = endpoints.map((endpoint, i) => `${i} : goto ${nftablesEndpointName(route, endpoint)}`);
  const affinity = (endpoint: Backend): string => {
    const name = nftablesEndpointName(route, endpoint);
    return `ip saddr @${name.replace("endpoint", "affinity")} goto ${name}`;
  };
  return [
    ...clusterIPs.map(
      (ip) =>
        `ip daddr ${ip} ${protocolOf(route)} dport ${route.port} ip saddr != ${CLUSTER_CIDR} jump mark-for-masquerade`,
    ),
    ...(route.sessionAffinitySeconds === undefined ? [] : endpoints.map(affinity)),
    `numgen random mod ${endpoints.length} vmap { ${verdicts.join(", ")} }`,
  ];
}

function endpointChain({ route }: ServiceRules, endpoint: Backend): string {
  const name = nftablesEndpointName(route, endpoint);
  const remember = `update @${name.replace("endpoint", "affinity")} { ip saddr }`;
  return chain(name, [
    `ip saddr ${endpoint.ip} jump mark-for-masquerade`,
    ...(route.sessionAffinitySeconds === undefined ? [] : [remember]),
    `meta l4proto ${protocolOf(route)} dnat to ${endpoint.ip}:${endpoint.port}`,
  ]);
}
