import { createHash } from "node:crypto";
import type { Backend, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { poolsOf } from "../../proxy-sim/dataplane/route-entry.js";
import { addressesOf, sorted } from "./routing-tables.js";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** 16 characters of base32 over a SHA-256, as kube-proxy names its chains. */
function chainSuffix(...parts: readonly string[]): string {
  const digest = createHash("sha256").update(parts.join("")).digest();
  const bits = [...digest.subarray(0, 10)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: 16 }, (_, i) => BASE32[Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)]).join(
    "",
  );
}

/** What kube-proxy in iptables mode would have made of a table, in the shape of `iptables-save -t nat`. */
export function printIptables(routes: readonly ServicePortRoute[]): string {
  const chains: string[] = [];
  const rules: string[] = [];
  const filter: string[] = [];
  for (const route of sorted(routes)) {
    const endpoints = poolsOf(route.backends).cluster;
    if (endpoints.length === 0) {
      filter.push(...rejectRules(route));
      continue;
    }
    const chain = `KUBE-SVC-${chainSuffix(route.servicePort, route.protocol)}`;
    chains.push(`:${chain} - [0:0]`);
    rules.push(...entryRules(route, chain));
    endpoints.forEach((endpoint, index) => {
      const left = endpoints.length - index;
      const separate = endpointChain(route, endpoint);
      chains.push(`:${separate} - [0:0]`);
      rules.push(...endpointRules({ route, endpoint, chain, separate, left }));
    });
  }
  return [
    "*filter",
    ":KUBE-SERVICES - [0:0]",
    ...filter,
    "COMMIT",
    "*nat",
    ":KUBE-MARK-MASQ - [0:0]",
    ":KUBE-NODEPORTS - [0:0]",
    ":KUBE-SERVICES - [0:0]",
    ...chains.sort(),
    "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    ...rules,
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    "COMMIT",
    "",
  ].join("\n");
}

const endpointChain = (route: ServicePortRoute, endpoint: Backend): string =>
  `KUBE-SEP-${chainSuffix(route.servicePort, route.protocol, `${endpoint.ip}:${endpoint.port}`)}`;

const protocolOf = (route: ServicePortRoute): string => route.protocol.toLowerCase();

function rejectRules(route: ServicePortRoute): string[] {
  const protocol = protocolOf(route);
  return addressesOf(route).map((address) => {
    const ip = address.slice(0, address.lastIndexOf(":"));
    return `-A KUBE-SERVICES -d ${ip}/32 -p ${protocol} -m comment --comment "${route.servicePort} has no endpoints" -m ${protocol} --dport ${route.port} -j REJECT --reject-with icmp-port-unreachable`;
  });
}

function entryRules(route: ServicePortRoute, chain: string): string[] {
  const protocol = protocolOf(route);
  const comment = `-m comment --comment "${route.servicePort}`;
  const rules = route.clusterIPs.map(
    (ip) =>
      `-A KUBE-SERVICES -d ${ip}/32 -p ${protocol} ${comment} cluster IP" -m ${protocol} --dport ${route.port} -j ${chain}`,
  );
  if (route.nodePort !== undefined)
    rules.push(
      `-A KUBE-NODEPORTS -p ${protocol} ${comment}" -m ${protocol} --dport ${route.nodePort} -j ${chain.replace("SVC", "EXT")}`,
      `-A ${chain.replace("SVC", "EXT")} ${comment}" -j KUBE-MARK-MASQ`,
      `-A ${chain.replace("SVC", "EXT")} -j ${chain}`,
    );
  return rules;
}

function endpointRules(at: {
  route: ServicePortRoute;
  endpoint: Backend;
  chain: string;
  separate: string;
  left: number;
}): string[] {
  const { route, endpoint, chain, separate, left } = at;
  const address = `${endpoint.ip}:${endpoint.port}`;
  const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}` : "";
  return [
    `-A ${chain} -m comment --comment "${route.servicePort} -> ${address}"${chance} -j ${separate}`,
    `-A ${separate} -s ${endpoint.ip}/32 -m comment --comment "${route.servicePort}" -j KUBE-MARK-MASQ`,
    `-A ${separate} -p ${protocolOf(route)} -m comment --comment "${route.servicePort}" -m ${protocolOf(route)} -j DNAT --to-destination ${address}`,
  ];
}
