import { formatAddress } from "../../machinery/network/addresses.js";
import type { ProxyMode } from "../balancers/balancer.js";
import type { Decision, Packet } from "../dataplane/decision.js";
import { endpointChain, iptablesSuffix, nftablesEndpointName, nftablesName } from "./names.js";

/** Where a packet meets its node's rules: as one that comes in by an interface, or from a process of the node itself. */
export interface Entry {
  fromNode: boolean;
}

/** By which chains (or tables) of the node's kernel the first packet of a connection went, in their order. */
export function chainsWalked(mode: ProxyMode, packet: Packet, decision: Decision, entry: Entry): string[] {
  if (decision.hostPort) return [hook(entry), "CNI-HOSTPORT-DNAT", ...masquerade(packet, decision)];
  if (!decision.match) return [];
  switch (mode) {
    case "iptables":
      return iptablesChains(packet, decision, entry);
    case "nftables":
      return nftablesChains(packet, decision, entry);
    case "ipvs":
      return ipvsPath(packet, decision, entry);
    case "userspace":
      return userspacePath(packet, decision, entry);
  }
}

const hook = ({ fromNode }: Entry): string => (fromNode ? "OUTPUT" : "PREROUTING");

const isExternal = ({ match }: Decision): boolean => match !== undefined && match.scope !== "cluster";

const masquerade = (packet: Packet, { from }: Decision): string[] =>
  from.ip === packet.from.ip ? [] : ["KUBE-POSTROUTING"];

function iptablesChains(packet: Packet, decision: Decision, entry: Entry): string[] {
  const { match, backend, policy, verdict } = decision;
  if (!match) return [];
  const { route } = match.entry;
  const suffix = iptablesSuffix(route);
  if (verdict === "refused" && !backend)
    return [isExternal(decision) ? "KUBE-EXTERNAL-SERVICES" : "KUBE-SERVICES", "REJECT"];
  if (!backend)
    return match.scope === "load-balancer" && decision.reason?.includes("loadBalancerSourceRanges")
      ? ["KUBE-PROXY-FIREWALL", `KUBE-FW-${suffix}`, "DROP"]
      : [isExternal(decision) ? "KUBE-EXTERNAL-SERVICES" : "KUBE-SERVICES", "DROP"];
  return [
    hook(entry),
    "KUBE-SERVICES",
    ...(match.scope === "node-port" ? ["KUBE-NODEPORTS"] : []),
    ...(isExternal(decision) ? [`KUBE-EXT-${suffix}`] : []),
    `${policy === "Local" ? "KUBE-SVL" : "KUBE-SVC"}-${suffix}`,
    endpointChain(route, backend),
    ...masquerade(packet, decision),
  ];
}

function nftablesChains(packet: Packet, decision: Decision, entry: Entry): string[] {
  const { match, backend, policy, verdict } = decision;
  if (!match) return [];
  const { route } = match.entry;
  const name = nftablesName(route);
  const isPort = match.scope === "node-port";
  if (!backend) {
    const isGuarded = decision.reason?.includes("loadBalancerSourceRanges") === true;
    if (isGuarded) return ["firewall-check", "@firewall-ips", `firewall-${name}`, "drop"];
    const map = isPort ? "@no-endpoint-nodeports" : "@no-endpoint-services";
    const check = isPort ? "nodeport-endpoints-check" : "service-endpoints-check";
    return [check, map, verdict === "refused" ? "reject-chain" : "drop"];
  }
  return [
    entry.fromNode ? "nat-output" : "nat-prerouting",
    "services",
    isPort ? "@service-nodeports" : "@service-ips",
    ...(isExternal(decision) ? [`external-${name}`] : []),
    `${policy === "Local" ? "local" : "service"}-${name}`,
    nftablesEndpointName(route, backend),
    ...(from(packet, decision) ? ["masquerading"] : []),
  ];
}

const from = (packet: Packet, decision: Decision): boolean => decision.from.ip !== packet.from.ip;

function ipvsPath(packet: Packet, decision: Decision, entry: Entry): string[] {
  const scheduler = decision.balancer?.replace("ipvs-", "") ?? "rr";
  const server = `virtual server ${packet.protocol} ${formatAddress(packet.to)} ${scheduler}`;
  if (!decision.backend) return [server, "no destination"];
  const set = {
    cluster: "KUBE-CLUSTER-IP",
    external: "KUBE-EXTERNAL-IP",
    "load-balancer": "KUBE-LOAD-BALANCER",
  };
  const scope = decision.match?.scope ?? "cluster";
  const ipset = scope === "node-port" ? `KUBE-NODE-PORT-${packet.protocol}` : set[scope];
  return [
    hook(entry),
    `KUBE-SERVICES (set ${ipset})`,
    server,
    `real server ${formatAddress(decision.to)} Masq`,
    ...masquerade(packet, decision),
  ];
}

function userspacePath(packet: Packet, decision: Decision, entry: Entry): string[] {
  const portal = decision.match?.scope === "node-port" ? "KUBE-NODEPORT" : "KUBE-PORTALS";
  return [
    hook(entry),
    `${portal}-${entry.fromNode ? "HOST" : "CONTAINER"}`,
    "the proxy's own socket",
    ...(decision.backend ? [`a connection of its own to ${formatAddress(decision.to)}`] : ["closed"]),
  ];
}
