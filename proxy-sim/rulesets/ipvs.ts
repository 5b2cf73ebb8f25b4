import { formatAddress } from "../../machinery/network/addresses.js";
import { type NodeTable, type ServiceRules, servicesOf } from "./node-table.js";

/** What kube-proxy in ipvs mode makes of a node's table, in the shape of `ipvsadm -Ln`. */
export function ipvsadm(table: NodeTable, scheduler = "rr"): string {
  return `${[
    "IP Virtual Server version 1.2.1 (size=4096)",
    "Prot LocalAddress:Port Scheduler Flags",
    "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
    ...servicesOf(table).flatMap((service) => virtualServers(service, table.nodeIP, scheduler)),
  ].join("\n")}\n`;
}

function virtualServers(service: ServiceRules, nodeIP: string, scheduler: string): string[] {
  const { route, clusterIPs, externalIPs, loadBalancerIPs } = service;
  const { internalTrafficPolicy, externalTrafficPolicy, port, nodePort } = route;
  const servers = [
    ...clusterIPs.map((ip) => ({ ip, port, policy: internalTrafficPolicy })),
    ...[...externalIPs, ...loadBalancerIPs].map((ip) => ({ ip, port, policy: externalTrafficPolicy })),
    ...(nodePort === undefined ? [] : [{ ip: nodeIP, port: nodePort, policy: externalTrafficPolicy }]),
  ];
  const affinity = route.sessionAffinitySeconds;
  return servers.flatMap(({ policy, ...address }) => [
    `${route.protocol.padEnd(4)} ${formatAddress(address)} ${scheduler}${affinity === undefined ? "" : ` persistent ${affinity}`}`,
    ...realServers(service, policy).map(
      (backend) =>
        `  -> ${formatAddress(backend).padEnd(28)} Masq    ${String(backend.weight).padEnd(6)} 0          0`,
    ),
  ]);
}

/** Policy Local without a local endpoint falls back to all of them in this mode. */
const realServers = ({ cluster, local }: ServiceRules, policy: "Cluster" | "Local") =>
  policy === "Local" && local.length > 0 ? local : cluster;
