import type { Decision, Packet } from "../dataplane/decision.js";
import type { RouteScope } from "../dataplane/route-entry.js";
import { endpointChain } from "./names.js";
import { entryRules, serviceChains } from "./iptables.js";
import { hostPrefix, type NodeTable, servicesOf, type ServiceRules } from "./node-table.js";

/**
 * How many rules of the nat table a kernel in iptables mode compares with the first packet of a connection: those before
 * the Service's in KUBE-SERVICES, one after the other, then its chain and its endpoint's.
 */
export function rulesWalked(table: NodeTable, packet: Packet, decision: Decision): number {
  const services = servicesOf(table);
  const { match, backend } = decision;
  let walked = 1; // PREROUTING's, or OUTPUT's
  for (const service of services) {
    const entries = entryRules(service);
    const isMeant = service.route.servicePort === match?.entry.route.servicePort;
    if (isMeant && match && match.scope !== "node-port") {
      const wanted = `-d ${hostPrefix(packet.to.ip)} `;
      const index = entries.findIndex((rule) => rule.includes(wanted));
      if (index >= 0) return walked + index + 1 + inService(service, match.scope, decision);
    }
    walked += entries.length;
  }
  walked += 1; // the jump to KUBE-NODEPORTS, last in KUBE-SERVICES
  if (match?.scope !== "node-port" || !backend) return walked;
  for (const service of services) {
    if (service.route.nodePort === undefined || service.cluster.length === 0) continue;
    walked += 1;
    if (service.route.servicePort === match.entry.route.servicePort)
      return walked + inService(service, match.scope, decision);
  }
  return walked;
}

function inService(
  service: ServiceRules,
  scope: RouteScope,
  { backend, affinity, policy }: Decision,
): number {
  if (!backend) return 0;
  const chains = serviceChains(service);
  const isLocal = policy === "Local";
  const external = chains.filter((rule) => rule.startsWith("-A KUBE-EXT-"));
  const leading =
    scope === "cluster"
      ? 0
      : external.findIndex((rule) => rule.includes(isLocal ? "KUBE-SVL-" : "-j KUBE-SVC-")) + 1;
  const own = chains.filter((rule) => rule.startsWith(isLocal ? "-A KUBE-SVL-" : "-A KUBE-SVC-"));
  const jump = `-j ${endpointChain(service.route, backend)}`;
  const isTaken = (rule: string): boolean =>
    rule.endsWith(jump) && rule.includes("--rcheck") === (affinity === true);
  return leading + own.findIndex(isTaken) + 1 + 2; // two in the endpoint's chain
}
