import { familyOf, formatAddress, type IpFamily } from "../../machinery/network/addresses.js";
import type { Backend } from "../dataplane/table.js";
import { endpointChain, iptablesSuffix, protocolOf } from "./names.js";
import {
  clusterCidr,
  hasExternal,
  hostPrefix,
  type NodeTable,
  type ServiceRules,
  servicesOf,
  usesLocal,
} from "./node-table.js";

const ALWAYS_NAT = `-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully`.split(
  "\n",
);

const LAST_IN_SERVICES =
  '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';

const FULL_MASKS: Readonly<Record<IpFamily, string>> = {
  IPv4: "255.255.255.255",
  IPv6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};
const REJECTIONS: Readonly<Record<IpFamily, string>> = {
  IPv4: "REJECT --reject-with icmp-port-unreachable",
  IPv6: "REJECT --reject-with icmp6-port-unreachable",
};

/**
 * What kube-proxy in iptables mode makes of a node's table, in the shape of `iptables-save` (`ip6tables-save` when the
 * node's address is an IPv6 one): tables filter and nat.
 */
export function iptablesSave(table: NodeTable): string {
  const services = servicesOf(table);
  const nat = services.flatMap(serviceChains);
  const filter = services.flatMap(filterRules);
  const chains = new Set(["KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-SERVICES"]);
  for (const rule of nat) chains.add(rule.split(" ")[1] ?? "");
  return [
    "*filter",
    ":KUBE-EXTERNAL-SERVICES - [0:0]",
    ":KUBE-PROXY-FIREWALL - [0:0]",
    ":KUBE-SERVICES - [0:0]",
    ...firewallChains(filter),
    ...filter,
    "COMMIT",
    "*nat",
    ...[...chains].sort().map((chain) => `:${chain} - [0:0]`),
    ...ALWAYS_NAT,
    ...services.flatMap(entryRules),
    LAST_IN_SERVICES,
    ...nat,
    "COMMIT",
    "",
  ].join("\n");
}

/** What leads from KUBE-SERVICES to a service port; nothing does when there are no endpoints. */
export function entryRules(service: ServiceRules): string[] {
  const { route, clusterIPs, externalIPs, loadBalancerIPs, cluster, local } = service;
  if (cluster.length === 0) return [];
  const suffix = iptablesSuffix(route);
  const jump = (ip: string, what: string, chain: string): string =>
    `-A KUBE-SERVICES -d ${hostPrefix(ip)} -p ${protocolOf(route)} -m comment --comment "${route.servicePort} ${what}" -m ${protocolOf(route)} --dport ${route.port} -j ${chain}-${suffix}`;
  const isLocal = route.internalTrafficPolicy === "Local";
  return [
    ...(isLocal && local.length === 0
      ? []
      : clusterIPs.map((ip) => jump(ip, "cluster IP", isLocal ? "KUBE-SVL" : "KUBE-SVC"))),
    ...externalIPs.map((ip) => jump(ip, "external IP", "KUBE-EXT")),
    ...loadBalancerIPs.map((ip) => jump(ip, "loadbalancer IP", "KUBE-EXT")),
  ];
}

/** Every other rule of a service port in the nat table. */
export function serviceChains(service: ServiceRules): string[] {
  const { route, cluster, local } = service;
  if (cluster.length === 0) return [];
  const suffix = iptablesSuffix(route);
  const reached = [...new Set([...cluster, ...(usesLocal(route) ? local : [])])];
  return [
    ...externalRules(service),
    ...balancingRules(service, `KUBE-SVC-${suffix}`, cluster),
    ...(usesLocal(route) && local.length > 0 ? balancingRules(service, `KUBE-SVL-${suffix}`, local) : []),
    ...reached.flatMap((endpoint) => endpointRules(service, endpoint)),
  ];
}

function externalRules(service: ServiceRules): string[] {
  const { route, local } = service;
  if (!hasExternal(service)) return [];
  const suffix = iptablesSuffix(route);
  const protocol = protocolOf(route);
  const rule = (comment: string, rest: string): string =>
    `-A KUBE-EXT-${suffix} ${comment ? `-m comment --comment "${comment} for ${route.servicePort} external destinations" ` : ""}${rest}`;
  const entry =
    route.nodePort === undefined
      ? []
      : [
          `-A KUBE-NODEPORTS -p ${protocol} -m comment --comment "${route.servicePort}" -m ${protocol} --dport ${route.nodePort} -j KUBE-EXT-${suffix}`,
        ];
  if (route.externalTrafficPolicy === "Cluster")
    return [...entry, rule("masquerade traffic", "-j KUBE-MARK-MASQ"), rule("", `-j KUBE-SVC-${suffix}`)];
  return [
    ...entry,
    rule("pod traffic", `-s ${clusterCidr(service)} -j KUBE-SVC-${suffix}`),
    rule("masquerade LOCAL traffic", "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"),
    rule("route LOCAL traffic", `-m addrtype --src-type LOCAL -j KUBE-SVC-${suffix}`),
    ...(local.length > 0 ? [rule("", `-j KUBE-SVL-${suffix}`)] : []),
  ];
}

function balancingRules(service: ServiceRules, chain: string, endpoints: readonly Backend[]): string[] {
  const { route, clusterIPs } = service;
  const protocol = protocolOf(route);
  const to = (endpoint: Backend, match: string): string => {
    const comment = `${route.servicePort} -> ${formatAddress(endpoint)}`;
    return `-A ${chain} -m comment --comment "${comment}"${match} -j ${endpointChain(route, endpoint)}`;
  };
  const seconds = route.sessionAffinitySeconds;
  const recent = (endpoint: Backend): string =>
    to(
      endpoint,
      ` -m recent --rcheck --seconds ${seconds} --reap --name ${endpointChain(route, endpoint)} --mask ${FULL_MASKS[service.family]} --rsource`,
    );
  return [
    ...clusterIPs.map(
      (ip) =>
        `-A ${chain} ! -s ${clusterCidr(service)} -d ${hostPrefix(ip)} -p ${protocol} -m comment --comment "${route.servicePort} cluster IP" -m ${protocol} --dport ${route.port} -j KUBE-MARK-MASQ`,
    ),
    ...(seconds === undefined ? [] : endpoints.map(recent)),
    ...endpoints.map((endpoint, i) => to(endpoint, chance(endpoints.length - i))),
  ];
}

/** A probability as the kernel keeps it: in 31 bits. */
function chance(left: number): string {
  if (left === 1) return "";
  const kept = Math.round((1 / left) * 2 ** 31) / 2 ** 31;
  return ` -m statistic --mode random --probability ${kept.toFixed(11)}`;
}

function endpointRules(service: ServiceRules, endpoint: Backend): string[] {
  const { route } = service;
  const chain = endpointChain(route, endpoint);
  const protocol = protocolOf(route);
  const remember =
    route.sessionAffinitySeconds === undefined
      ? ""
      : ` -m recent --set --name ${chain} --mask ${FULL_MASKS[service.family]} --rsource`;
  const comment = `-m comment --comment "${route.servicePort}"`;
  return [
    `-A ${chain} -s ${hostPrefix(endpoint.ip)} ${comment} -j KUBE-MARK-MASQ`,
    `-A ${chain} -p ${protocol} ${comment}${remember} -m ${protocol} -j DNAT --to-destination ${formatAddress(endpoint)}`,
  ];
}

/** Who is refused, who is dropped, and whom a load balancer's source ranges let through. */
function filterRules(service: ServiceRules): string[] {
  const { family, route, clusterIPs, externalIPs, loadBalancerIPs, cluster, local } = service;
  const protocol = protocolOf(route);
  const end = (why: string, port: number, target: string): string =>
    `-m comment --comment "${route.servicePort} ${why}" -m ${protocol} --dport ${port} -j ${target}`;
  const ending = (why: string, target: string, external: boolean): string[] => [
    ...(external ? [...externalIPs, ...loadBalancerIPs] : clusterIPs).map(
      (ip) =>
        `-A ${external ? "KUBE-EXTERNAL-SERVICES" : "KUBE-SERVICES"} -d ${hostPrefix(ip)} -p ${protocol} ${end(why, route.port, target)}`,
    ),
    ...(external && route.nodePort !== undefined
      ? [
          `-A KUBE-EXTERNAL-SERVICES -p ${protocol} -m addrtype --dst-type LOCAL ${end(why, route.nodePort, target)}`,
        ]
      : []),
  ];
  const reject = REJECTIONS[family];
  if (cluster.length === 0)
    return [false, true].flatMap((external) => ending("has no endpoints", reject, external));
  return [
    ...(route.internalTrafficPolicy === "Local" && local.length === 0
      ? ending("has no local endpoints", "DROP", false)
      : []),
    ...(route.externalTrafficPolicy === "Local" && local.length === 0
      ? ending("has no local endpoints", "DROP", true)
      : []),
    ...firewallRules(service),
  ];
}

const firewallChains = (rules: readonly string[]): string[] =>
  [...new Set(rules.map((rule) => rule.split(" ")[1] ?? ""))]
    .filter((chain) => chain.startsWith("KUBE-FW-"))
    .map((chain) => `:${chain} - [0:0]`);

function firewallRules({ family, route, loadBalancerIPs }: ServiceRules): string[] {
  const ranges = route.loadBalancerSourceRanges?.filter((range) => familyOf(range) === family);
  if (!ranges?.length || loadBalancerIPs.length === 0) return [];
  const protocol = protocolOf(route);
  const chain = `KUBE-FW-${iptablesSuffix(route)}`;
  return [
    ...loadBalancerIPs.map(
      (ip) =>
        `-A KUBE-PROXY-FIREWALL -d ${hostPrefix(ip)} -p ${protocol} -m comment --comment "${route.servicePort} traffic not accepted by ${chain}" -m ${protocol} --dport ${route.port} -j ${chain}`,
    ),
    ...ranges.map(
      (range) =>
        `-A ${chain} -s ${range} -m comment --comment "${route.servicePort} loadbalancer IP" -j RETURN`,
    ),
    `-A ${chain} -m comment --comment "other traffic to ${route.servicePort} will be dropped by KUBE-PROXY-FIREWALL" -j DROP`,
  ];
}
