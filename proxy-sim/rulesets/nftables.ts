import { familyOf, formatAddress, type IpFamily } from "../../machinery/network/addresses.js";
import type { Backend } from "../dataplane/table.js";
import { nftablesEndpointName, nftablesName, protocolOf } from "./names.js";
import {
  clusterCidr,
  hasExternal,
  type NodeTable,
  type ServiceRules,
  servicesOf,
  usesLocal,
} from "./node-table.js";

/** How nft speaks of an address family: its table, the word before `saddr`, the type of an address. */
const WORDS: Readonly<Record<IpFamily, { ip: string; address: string }>> = {
  IPv4: { ip: "ip", address: "ipv4_addr" },
  IPv6: { ip: "ip6", address: "ipv6_addr" },
};
const ipOf = ({ family }: { family: IpFamily }): string => WORDS[family].ip;
const PORT_KEY = "type inet_proto . inet_service : verdict";

/**
 * What kube-proxy in nftables mode makes of a node's table, in the shape of `nft list table ip kube-proxy` (`ip6` when the
 * node's address is an IPv6 one).
 */
export function nftList(table: NodeTable): string {
  const { ip, address } = WORDS[familyOf(table.nodeIP)];
  const addressKey = `type ${address} . inet_proto . inet_service : verdict`;
  const services = servicesOf(table);
  const withEndpoints = services.filter(({ cluster }) => cluster.length > 0);
  const blocks = [
    set(
      "cluster-ips",
      address,
      "Active ClusterIPs",
      services.flatMap(({ clusterIPs }) => clusterIPs),
    ),
    set("nodeport-ips", address, "IPs that accept NodePort traffic", [table.nodeIP]),
    map(
      "no-endpoint-services",
      addressKey,
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
      addressKey,
      "destinations that are subject to LoadBalancerSourceRanges",
      withEndpoints.flatMap(guardedAddresses),
    ),
    map(
      "service-ips",
      addressKey,
      "ClusterIP, ExternalIP and LoadBalancer IP traffic",
      withEndpoints.flatMap(addresses),
    ),
    map("service-nodeports", PORT_KEY, "NodePort traffic", withEndpoints.flatMap(nodePorts)),
    ...withEndpoints.flatMap((service) => affinitySets(service, address)),
    chain("mark-for-masquerade", ["meta mark set meta mark | 0x00004000"]),
    chain("reject-chain", ["reject"]),
    chain("services", [
      `${ip} daddr . meta l4proto . th dport vmap @service-ips`,
      `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports`,
    ]),
    ...withEndpoints.flatMap(serviceChains),
    ...withEndpoints.flatMap(firewallChain),
  ];
  return `table ${ip} kube-proxy {\n\tcomment "rules for kube-proxy"\n\n${blocks.join("\n\n")}\n}\n`;
}

const block = (head: string, lines: readonly string[]): string =>
  `\t${head} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}`;
const chain = (name: string, rules: readonly string[]): string => block(`chain ${name}`, rules);
const elements = (items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`elements = { ${items.join(",\n\t\t\t     ")} }`];
const set = (name: string, address: string, comment: string, items: readonly string[]): string =>
  block(`set ${name}`, [`type ${address}`, `comment "${comment}"`, ...elements(items)]);
const map = (name: string, type: string, comment: string, items: readonly string[]): string =>
  block(`map ${name}`, [type, `comment "${comment}"`, ...elements(items)]);

/** Who used which endpoint last: the kernel forgets a client when its time is over. */
function affinitySets({ route, cluster, local }: ServiceRules, address: string): string[] {
  const seconds = route.sessionAffinitySeconds;
  if (seconds === undefined) return [];
  const reached = [...new Set([...cluster, ...(usesLocal(route) ? local : [])])];
  return reached.map((endpoint) =>
    block(`set ${nftablesEndpointName(route, endpoint).replace("endpoint", "affinity")}`, [
      `type ${address}`,
      "size 65535",
      "flags dynamic,timeout",
      `timeout ${nftDuration(seconds)}`,
    ]),
  );
}

/** `3h`, `1m30s`, as nft prints it. */
function nftDuration(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  return parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : "")).join("") || "0s";
}

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
  rangesOf(service).length > 0
    ? service.loadBalancerIPs.map(
        (ip) =>
          `${addressKey(service, ip)} comment "${service.route.servicePort}" : goto firewall-${nftablesName(service.route)}`,
      )
    : [];

function firewallChain(service: ServiceRules): string[] {
  const { route, loadBalancerIPs } = service;
  const ranges = rangesOf(service);
  if (ranges.length === 0 || loadBalancerIPs.length === 0) return [];
  return [
    chain(`firewall-${nftablesName(route)}`, [`${ipOf(service)} saddr != { ${ranges.join(", ")} } drop`]),
  ];
}

const rangesOf = ({ family, route }: ServiceRules): string[] =>
  (route.loadBalancerSourceRanges ?? []).filter((range) => familyOf(range) === family);

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

function externalChain(service: ServiceRules): string {
  const { route, local } = service;
  const name = nftablesName(route);
  if (route.externalTrafficPolicy === "Cluster")
    return chain(`external-${name}`, ["jump mark-for-masquerade", `goto service-${name}`]);
  return chain(`external-${name}`, [
    `${ipOf(service)} saddr ${clusterCidr(service)} goto service-${name} comment "short-circuit pod traffic"`,
    'fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"',
    `fib saddr type local goto service-${name} comment "short-circuit local traffic"`,
    ...(local.length > 0 ? [`goto local-${name}`] : []),
  ]);
}

function balancing(service: ServiceRules, endpoints: readonly Backend[]): string[] {
  const { route, clusterIPs } = service;
  const ip = ipOf(service);
  const verdicts = endpoints.map((endpoint, i) => `${i} : goto ${nftablesEndpointName(route, endpoint)}`);
  const affinity = (endpoint: Backend): string => {
    const name = nftablesEndpointName(route, endpoint);
    return `${ip} saddr @${name.replace("endpoint", "affinity")} goto ${name}`;
  };
  return [
    ...clusterIPs.map(
      (address) =>
        `${ip} daddr ${address} ${protocolOf(route)} dport ${route.port} ${ip} saddr != ${clusterCidr(service)} jump mark-for-masquerade`,
    ),
    ...(route.sessionAffinitySeconds === undefined ? [] : endpoints.map(affinity)),
    `numgen random mod ${endpoints.length} vmap { ${verdicts.join(", ")} }`,
  ];
}

function endpointChain(service: ServiceRules, endpoint: Backend): string {
  const { route } = service;
  const ip = ipOf(service);
  const name = nftablesEndpointName(route, endpoint);
  const remember = `update @${name.replace("endpoint", "affinity")} { ${ip} saddr }`;
  return chain(name, [
    `${ip} saddr ${endpoint.ip} jump mark-for-masquerade`,
    ...(route.sessionAffinitySeconds === undefined ? [] : [remember]),
    `meta l4proto ${protocolOf(route)} dnat to ${formatAddress(endpoint)}`,
  ]);
}
