import { formatAddress } from "../../machinery/network/addresses.js";
import { poolsOf } from "../../proxy-sim/dataplane/route-entry.js";
import type { ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { addressesOf, sorted } from "./routing-tables.js";

/** What kube-proxy in ipvs mode would have made of a table, in the shape of `ipvsadm -Ln`. */
export function printIpvs(routes: readonly ServicePortRoute[], nodeIPs: readonly string[]): string {
  const lines = [
    "IP Virtual Server version 1.2.1 (size=4096)",
    "Prot LocalAddress:Port Scheduler Flags",
    "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
  ];
  for (const route of sorted(routes)) {
    const nodePorts = nodeIPs.map((ip) => formatAddress({ ip, port: route.nodePort ?? 0 }));
    const servers = [...addressesOf(route), ...(route.nodePort === undefined ? [] : nodePorts)];
    const affinity =
      route.sessionAffinitySeconds === undefined ? "" : ` persistent ${route.sessionAffinitySeconds}`;
    for (const server of servers) {
      lines.push(`${route.protocol.padEnd(4)} ${server} rr${affinity}`);
      for (const backend of poolsOf(route.backends).cluster)
        lines.push(
          `  -> ${formatAddress(backend).padEnd(28)} Masq    ${String(backend.weight).padEnd(6)} 0          0`,
        );
    }
  }
  return `${lines.join("\n")}\n`;
}
