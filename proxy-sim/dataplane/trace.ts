import { familyOf } from "../../machinery/network/addresses.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";
import { chainsWalked } from "../rulesets/chains.js";
import { rulesWalked } from "../rulesets/iptables-walk.js";
import type { Decision, Packet } from "./decision.js";
import { nodeAddress } from "./forwarding.js";
import { throughLoopback } from "./loopback.js";
import { backendKey } from "./route-entry.js";
import type { Router } from "./router.js";
import { policyOf } from "./selection.js";
import type { Backend, ServicePortRoute } from "./table.js";

/** What `POST /trace` answers: one decision, and for every other endpoint why it was not chosen. */
export interface Explanation {
  verdict: Decision["verdict"];
  reason?: string;
  sourceNode?: string;
  node?: string;
  tableRevision?: number;
  route?: Omit<ServicePortRoute, "backends">;
  scope?: string;
  policy?: string;
  affinity?: boolean;
  /** By name, the mode that the node's proxy works in. */
  balancer?: string;
  /** The pod that the node's port belongs to, when it is no Service's. */
  hostPort?: HostPortMapping;
  /** The chains, tables or virtual server by which the packet went. */
  chains: string[];
  /** In iptables mode: with how many rules a kernel would have compared the packet. */
  rulesWalked?: number;
  backend?: Backend;
  /** Of an exchange that has begun: its first packet was decided then, and this one follows it. */
  conntrack?: { backend: string; atMs: number };
  /** After NAT. */
  from: { ip: string; port: number };
  to: { ip: string; port: number };
  destinationNode?: string;
  endpoints: { backend: Backend; chosen: boolean; why: string }[];
}

/** Leaves no trace itself: no connection, no affinity entry, no turn of a balancer. */
export function explain(router: Router, sent: Packet): Explanation {
  const packet = throughLoopback(router, sent);
  const decision = router.decide(packet, { dryRun: true });
  const { match, backend } = decision;
  const kernel = router.kernel(decision.node ?? "");
  const isFromNode = packet.enteredAt === undefined && router.forwarding.nodeAt(packet.from.ip) !== undefined;
  const explanation: Explanation = {
    verdict: decision.verdict,
    chains: chainsWalked(kernel?.balancer.mode ?? "iptables", packet, decision, { fromNode: isFromNode }),
    from: decision.from,
    to: decision.to,
    endpoints: match
      ? match.entry.route.backends.map((each) => verdictOn(each, router, packet, decision))
      : [],
  };
  if (decision.reason !== undefined) explanation.reason = decision.reason;
  if (decision.sourceNode !== undefined) explanation.sourceNode = decision.sourceNode;
  if (decision.node !== undefined) explanation.node = decision.node;
  if (decision.tableRevision !== undefined) explanation.tableRevision = decision.tableRevision;
  if (decision.policy !== undefined) explanation.policy = decision.policy;
  if (decision.affinity !== undefined) explanation.affinity = decision.affinity;
  if (decision.balancer !== undefined) explanation.balancer = decision.balancer;
  if (decision.hostPort !== undefined) explanation.hostPort = decision.hostPort;
  if (kernel?.balancer.mode === "iptables") {
    const node = router.forwarding.node(kernel.name);
    const routes = [...kernel.table.routes()].map(({ route }) => route);
    const nodeIP = (node && nodeAddress(node, familyOf(packet.to.ip))) ?? packet.to.ip;
    const table = { node: kernel.name, nodeIP, routes };
    explanation.rulesWalked = rulesWalked(
      node?.zone ? { ...table, zone: node.zone } : table,
      packet,
      decision,
    );
  }
  if (backend) explanation.backend = backend;
  if (decision.hop?.node) explanation.destinationNode = decision.hop.node.nodeName;
  if (match) {
    const { backends: _, ...route } = match.entry.route;
    explanation.route = route;
    explanation.scope = match.scope;
  }
  return explanation;
}

function verdictOn(
  backend: Backend,
  router: Router,
  packet: Packet,
  decision: Decision,
): Explanation["endpoints"][number] {
  const chosen = decision.backend !== undefined && backendKey(decision.backend) === backendKey(backend);
  return {
    backend,
    chosen,
    why: chosen ? chosenBecause(decision) : whyNot(backend, router, packet, decision),
  };
}

const chosenBecause = (decision: Decision): string =>
  decision.affinity
    ? "this client used it last (session affinity)"
    : "one of the eligible, drawn by the balancer";

function whyNot(backend: Backend, router: Router, packet: Packet, decision: Decision): string {
  const { match } = decision;
  if (!match) return "the packet met no Service";
  const { cluster } = match.entry.pools;
  const external = packet.enteredAt !== undefined || decision.sourceNode !== decision.node;
  if (packet.to.ip.includes(":") !== backend.ip.includes(":")) return "of the other address family";
  if (!cluster.includes(backend)) {
    if (!backend.ready && !backend.terminating) return "not ready";
    if (!backend.serving) return "not serving";
    return "terminating, while others are ready";
  }
  const node = decision.node ?? "";
  const mode = router.kernel(node)?.balancer.mode ?? "iptables";
  const isLocal = policyOf(match.entry, match.scope, { node, external, mode }) === "Local";
  const fellBack = decision.backend !== undefined && decision.backend.nodeName !== node;
  if (isLocal && backend.nodeName !== node && !fellBack)
    return `on node ${backend.nodeName ?? "(none)"}, and the traffic policy is Local`;
  const zone = router.forwarding.node(node)?.zone;
  const selection = router.select(match, { node, zone, external, mode, ipv6: packet.to.ip.includes(":") });
  if (selection.kind === "backends" && !selection.backends.includes(backend))
    return "its hints are for other zones or nodes";
  if (decision.affinity) return "eligible, but this client used another one last (session affinity)";
  return "eligible; the balancer drew another one";
}
