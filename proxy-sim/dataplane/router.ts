import type { Clock } from "../../machinery/api/clock.js";
import type { Rng } from "../../machinery/api/rng.js";
import { cidrContains, familyOf, formatAddress, isLoopback } from "../../machinery/network/addresses.js";
import type { Balancer } from "../balancers/balancer.js";
import { ActiveConnections } from "./active-connections.js";
import type { AffineClient } from "./affinity.js";
import type { Decision, Packet } from "./decision.js";
import { Forwarding } from "./forwarding.js";
import { NodeKernel } from "./node-kernel.js";
import { backendKey, type Match } from "./route-entry.js";
import { RouteTable } from "./route-table.js";
import { type Selection, selectBackends, type Vantage } from "./selection.js";
import {
  type Backend,
  HEALTHZ_PORT,
  METRICS_PORT,
  type NodeRoute,
  type ProgramTransaction,
  type TableUpdate,
} from "./table.js";

export interface RouterOptions {
  clock: Clock;
  rng: Rng;
  balancer: Balancer;
  /** Hosts that are no nodes, with their carriers. They use the newest table, as a control plane node's proxy would. */
  hosts: Readonly<Record<string, string>>;
  /** Where Services have their addresses: a packet to one that no rule knows gets no answer. */
  serviceCIDRs: readonly string[];
  /** Hears of every change of a table. */
  onTable?: (node: string, before: RouteTable, after: RouteTable) => void;
}

/** A packet, the rule that it met, and where. */
interface Arrival {
  packet: Packet;
  decision: Decision;
  kernel: NodeKernel;
  match: Match;
  node: NodeRoute | undefined;
  external: boolean;
  dryRun: boolean;
  retry: boolean;
}

/**
 * Whether the endpoint sees the node's address instead of the client's: after a copy by the proxy itself, when a pod reaches
 * itself, and through an external address, unless its policy is Local.
 */
const isMasqueraded = ({ packet, kernel, match }: Arrival, backend: Backend): boolean =>
  kernel.balancer.mode === "userspace" ||
  backend.ip === packet.from.ip ||
  (match.scope !== "cluster" && match.entry.route.externalTrafficPolicy === "Cluster");

/** No answer comes. */
function dropped(decision: Decision, reason: string): Decision {
  decision.verdict = "timed-out";
  decision.reason = reason;
  return decision;
}

const VERDICTS = { reject: "refused", drop: "timed-out", close: "closed" } as const;

/** The nodes' tables and the way from a packet to its backend. */
export class Router {
  readonly forwarding: Forwarding;
  /** Connections through Services, whoever keeps the flows tells of them. */
  readonly connections = new ActiveConnections();
  readonly #options: RouterOptions;
  #balancer: Balancer;
  #nodeBalancers: ReadonlyMap<string, Balancer> = new Map();
  #someRetry = false;
  #proxyCarrier: string | undefined;
  readonly #kernels = new Map<string, NodeKernel>();
  readonly #down = new Set<string>();
  readonly #crashes = new Map<string, number>();
  /** Stands for hosts that are no nodes. */
  readonly #outside: NodeKernel;
  readonly #previewRng: Rng;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#balancer = options.balancer;
    this.#someRetry = options.balancer.mode === "userspace";
    this.forwarding = new Forwarding(options.hosts);
    this.#outside = new NodeKernel("", options.rng.fork("outside"), options.balancer);
    this.#previewRng = options.rng.fork("preview");
  }

  kernel(node: string): NodeKernel | undefined {
    return this.#kernels.get(node);
  }

  kernels(): IterableIterator<NodeKernel> {
    return this.#kernels.values();
  }

  /** A node crashed: its kernel forgets everything, and nothing gets through it. */
  crash(node: string): void {
    this.#down.add(node);
    this.#crashes.set(node, this.crashesOf(node) + 1);
    const crashed = this.#kernels.get(node);
    if (!crashed) return;
    this.#give(crashed, RouteTable.empty);
    this.#kernels.set(node, this.#newKernel(node));
  }

  /** The node has no rules any more; what its kernel remembers of flows stays. */
  flushTable(node: string): void {
    const kernel = this.#kernels.get(node);
    if (kernel) this.#give(kernel, RouteTable.empty);
  }

  /** The node runs again, with an empty table. */
  boot(node: string): void {
    this.#down.delete(node);
  }

  /** Whoever remembers the number knows whether the kernel is still the one of then. */
  crashesOf(node: string): number {
    return this.#crashes.get(node) ?? 0;
  }

  isDown(node: string): boolean {
    return this.#down.has(node);
  }

  get newestRevision(): number {
    return this.newestTable.revision;
  }

  get newestTable(): RouteTable {
    return this.#outside.table;
  }

  /** Of every node that has none of its own. */
  get balancer(): Balancer {
    return this.#balancer;
  }

  /** From now on: this one on every node but those named, at once. */
  useBalancers(balancer: Balancer, byNode: ReadonlyMap<string, Balancer> = new Map()): void {
    this.#balancer = balancer;
    this.#nodeBalancers = byNode;
    this.#outside.use(balancer);
    for (const kernel of this.#kernels.values()) kernel.use(byNode.get(kernel.name) ?? balancer);
    this.#someRetry = [balancer, ...byNode.values()].some(({ mode }) => mode === "userspace");
  }

  /** Whether the proxy that gets this packet tries another endpoint when one does not answer. */
  retries(packet: Packet): boolean {
    return this.#someRetry && this.#arrival(packet).kernel?.balancer.mode === "userspace";
  }

  /** Applies a transaction whole and answers the changed service ports, or says why it cannot. */
  program(transaction: ProgramTransaction): { changed: ReadonlySet<string> } | { mismatch: string } {
    const tables = transaction.tables ?? [];
    const arriving = new Set((transaction.nodes?.set ?? []).map((node) => node.nodeName));
    const mismatch = tables.map((update) => this.#mismatch(update, arriving)).find((reason) => reason);
    if (mismatch) return { mismatch };
    this.#proxyCarrier = transaction.proxyCarrier ?? this.#proxyCarrier;
    this.#programNodes(transaction);
    const changed = new Set<string>();
    const moves = tables.map((update) => ({ update, kernels: this.#kernelsAt(update, transaction.full) }));
    for (const { update, kernels } of moves) this.#programTables(update, kernels, changed);
    return { changed };
  }

  /**
   * A dry run leaves nothing behind: no affinity entry, no turn of the balancer. A retry does not go to the endpoint that
   * the client had.
   */
  decide(packet: Packet, { dryRun = false, retry = false } = {}): Decision {
    const { source, addressed, node, kernel } = this.#arrival(packet);
    const match = addressed
      ? kernel?.table.nodePort(packet.to.port, packet.protocol)
      : kernel?.table.lookup(packet.to, packet.protocol);
    const decision: Decision = {
      verdict: "forward",
      from: packet.from,
      to: packet.to,
      ...(source ? { sourceNode: source.nodeName } : {}),
      ...(kernel ? { node: kernel.name, tableRevision: kernel.table.revision } : {}),
    };
    const dead = [source, node].find((each) => each && this.#down.has(each.nodeName));
    if (dead) return { ...decision, verdict: "unreachable", reason: `node ${dead.nodeName} is down` };
    if (kernel && match) {
      const external = source === undefined ? packet.enteredAt !== undefined : source !== node;
      return this.#throughService({ packet, decision, kernel, match, node, external, dryRun, retry });
    }
    if (addressed) return this.#toNode(packet, decision, addressed);
    return this.#direct(decision);
  }

  /** The endpoints that a packet through `match` may get. */
  select(match: Match, vantage: Vantage): Selection {
    return selectBackends(match.entry, match.scope, vantage);
  }

  /** Whose table a packet meets. */
  #arrival(packet: Packet) {
    const { forwarding } = this;
    const source = packet.enteredAt === undefined ? forwarding.hop(packet.from.ip)?.node : undefined;
    const addressed = forwarding.nodeAt(packet.to.ip);
    const entered = packet.enteredAt === undefined ? undefined : forwarding.node(packet.enteredAt);
    const node = addressed ?? source ?? entered;
    return { source, addressed, node, kernel: node ? this.#kernels.get(node.nodeName) : this.#outside };
  }

  #throughService(at: Arrival): Decision {
    const { packet, decision, kernel, match, node, external } = at;
    decision.match = match;
    decision.balancer = kernel.balancer.name;
    const selection = this.select(match, {
      node: node?.nodeName,
      zone: node?.zone,
      external,
      clientIp: packet.from.ip,
      ipv6: packet.to.ip.includes(":"),
      mode: kernel.balancer.mode,
    });
    if (selection.kind !== "backends") {
      decision.verdict = VERDICTS[selection.kind];
      if (selection.kind === "close" && packet.protocol === "UDP") decision.verdict = "timed-out";
      decision.reason = selection.reason;
      return decision;
    }
    decision.policy = selection.policy;
    const backend = this.#pick(at, selection.backends);
    decision.backend = backend;
    decision.to = { ip: backend.ip, port: backend.port };
    const hop = this.forwarding.hop(backend.ip);
    if (node && isMasqueraded(at, backend)) this.#masquerade(decision, node, hop?.node);
    return this.#forward(decision);
  }

  #masquerade(decision: Decision, node: NodeRoute, destination: NodeRoute | undefined): void {
    // A pod of the host's network has no bridge before it.
    const isPod = this.forwarding.nodeAt(decision.to.ip) === undefined;
    const ip = this.forwarding.masqueradeAddress(
      node,
      isPod ? destination : undefined,
      familyOf(decision.to.ip),
    );
    if (ip !== undefined) decision.from = { ip, port: decision.from.port };
  }

  /** Whether the node's proxy itself listens on the port that this packet goes to. */
  isProxyPort(packet: Packet, node: string): boolean {
    const { port } = packet.to;
    if (packet.protocol !== "TCP") return false;
    if (port === HEALTHZ_PORT || (port === METRICS_PORT && packet.loopback !== undefined)) return true;
    return this.#kernels.get(node)?.table.isHealthCheck(port) === true;
  }

  /**
   * A node's own address: a pod's host port, the proxy, or whoever listens there. Upstream: the CNI plugin portmap.
   */
  #toNode(packet: Packet, decision: Decision, node: NodeRoute): Decision {
    const { ip, port } = packet.to;
    const own = packet.loopback === undefined ? [ip] : [ip, packet.loopback];
    const mapping = this.forwarding.hostPort(node.nodeName, own, port, packet.protocol);
    const podIP = mapping?.podIPs.find((each) => familyOf(each) === familyOf(ip));
    if (!mapping || podIP === undefined) {
      const carrier = this.isProxyPort(packet, node.nodeName) ? this.#proxyCarrier : undefined;
      if (carrier === undefined || this.#down.has(node.nodeName)) return this.#direct(decision);
      decision.hop = { node, carrier, isProxy: true };
      return decision;
    }
    decision.hostPort = mapping;
    decision.to = { ip: podIP, port: mapping.podPort };
    if (packet.from.ip === podIP || packet.loopback !== undefined) this.#masquerade(decision, node, node);
    return this.#forward(decision);
  }

  #pick(at: Arrival, backends: readonly Backend[]): Backend {
    const client = this.#affineClient(at);
    if (!client) return this.#balance(at, backends);
    const { affinity } = at.kernel;
    const previous = at.retry ? undefined : affinity.lookup(client, backends);
    at.decision.affinity = previous !== undefined;
    const picked = previous ?? this.#balance(at, backends);
    if (!at.dryRun) affinity.remember(client, picked);
    return picked;
  }

  /** Undefined when the Service has no session affinity. */
  #affineClient({ packet, match }: Arrival): AffineClient | undefined {
    const { servicePort, sessionAffinitySeconds: timeoutSeconds } = match.entry.route;
    if (timeoutSeconds === undefined) return undefined;
    return {
      servicePort,
      clientIp: packet.from.ip,
      destination: formatAddress(packet.to),
      timeoutSeconds,
      nowMs: this.#options.clock.nowMs(),
    };
  }

  #balance({ packet, kernel, match, dryRun }: Arrival, backends: readonly Backend[]): Backend {
    const state = kernel.balancing(match.entry.route.servicePort, packet.to.ip);
    return kernel.balancer.pick(backends, dryRun ? { ...state, rng: this.#previewRng } : state, {
      clientIp: packet.from.ip,
      destinationIp: packet.to.ip,
      nowMs: this.#options.clock.nowMs(),
      active: (backend) => this.connections.count(kernel.name, formatAddress(packet.to), backendKey(backend)),
    });
  }

  #direct(decision: Decision): Decision {
    if (!this.forwarding.hop(decision.to.ip) && this.#isServiceAddress(decision.to.ip))
      return dropped(
        decision,
        `no rule for ${formatAddress(decision.to)} in the table of ${decision.node || "this host"}`,
      );
    return this.#forward(decision);
  }

  #isServiceAddress(ip: string): boolean {
    return this.#options.serviceCIDRs.some((cidr) => cidrContains(cidr, ip));
  }

  #forward(decision: Decision): Decision {
    const hop = this.forwarding.hop(decision.to.ip);
    if (hop?.node && this.#down.has(hop.node.nodeName)) {
      decision.verdict = "unreachable";
      decision.reason = `node ${hop.node.nodeName} is down`;
      return decision;
    }
    if (hop?.carrier) {
      decision.hop = hop;
      return decision;
    }
    // Endpoints written by hand. What a rule has translated meets no rule again, and no router takes loopback.
    if (decision.backend && isLoopback(decision.to.ip))
      return dropped(decision, `endpoint ${formatAddress(decision.to)} is a loopback address`);
    if (decision.backend && this.#isServiceAddress(decision.to.ip))
      return dropped(decision, `endpoint ${formatAddress(decision.to)} is a Service's address`);
    decision.verdict = "unreachable";
    decision.reason = hop
      ? `nobody carries packets for node ${hop.node?.nodeName ?? ""}`
      : `no route to ${decision.to.ip}`;
    return decision;
  }

  #mismatch(update: TableUpdate, arriving: ReadonlySet<string>): string | undefined {
    for (const name of update.nodes ?? []) {
      const kernel = this.#kernels.get(name);
      if (!kernel && !arriving.has(name)) return `node ${name} is not known`;
      const revision = kernel?.table.revision ?? 0;
      if (update.from !== 0 && revision !== update.from)
        return `node ${name} is at revision ${revision}, not ${update.from}`;
    }
    return undefined;
  }

  #programNodes({ nodes, full }: ProgramTransaction): void {
    const kept = full ? new Set((nodes?.set ?? []).map((node) => node.nodeName)) : undefined;
    const gone = [...this.#kernels.keys()].filter((name) => kept?.has(name) === false);
    for (const name of [...(nodes?.remove ?? []), ...gone]) {
      this.forwarding.remove(name);
      const removed = this.#kernels.get(name);
      if (removed) this.#give(removed, RouteTable.empty);
      this.#kernels.delete(name);
      this.#down.delete(name);
      this.#crashes.delete(name);
    }
    for (const route of nodes?.set ?? []) {
      this.forwarding.set(route);
      if (!this.#kernels.has(route.nodeName))
        this.#kernels.set(route.nodeName, this.#newKernel(route.nodeName));
    }
  }

  /** Found before anything moves, or a node that reaches a revision would be moved on by the next update. */
  #kernelsAt(update: TableUpdate, full = false): NodeKernel[] {
    if (update.nodes)
      return update.nodes.map((name) => this.#kernels.get(name)).filter((kernel) => kernel !== undefined);
    const excluded = new Set(update.except);
    const all = [...this.#kernels.values()].filter(({ name }) => !excluded.has(name));
    return full ? all : all.filter((kernel) => kernel.table.revision === update.from);
  }

  #programTables(update: TableUpdate, kernels: readonly NodeKernel[], changed: Set<string>): void {
    const moved = new Map<RouteTable, RouteTable>();
    const adopted = update.adopt ? this.#tableAt(update.to, kernels) : undefined;
    for (const kernel of kernels) {
      const base = update.from === 0 ? RouteTable.empty : kernel.table;
      let next = adopted ?? moved.get(base);
      if (!next) {
        next = base.apply(update.to, update.set, update.remove);
        moved.set(base, next);
      }
      if (update.from === 0 || adopted)
        for (const { route } of kernel.table.routes()) changed.add(route.servicePort);
      this.#give(kernel, next);
      kernel.follow(update);
      if (next.revision >= this.#outside.table.revision || update.from === 0) this.#give(this.#outside, next);
    }
    for (const servicePort of update.remove) changed.add(servicePort);
    for (const route of update.set) changed.add(route.servicePort);
  }

  #give(kernel: NodeKernel, table: RouteTable): void {
    this.#options.onTable?.(kernel.name, kernel.table, table);
    kernel.table = table;
  }

  #newKernel(node: string): NodeKernel {
    return new NodeKernel(
      node,
      this.#options.rng.fork(node),
      this.#nodeBalancers.get(node) ?? this.#balancer,
    );
  }

  #tableAt(revision: number, except: readonly NodeKernel[]): RouteTable | undefined {
    for (const kernel of this.#kernels.values())
      if (kernel.table.revision === revision && !except.includes(kernel)) return kernel.table;
    return undefined;
  }
}
