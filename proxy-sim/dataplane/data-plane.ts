import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { DEFAULT_SERVICE_CIDRS } from "../../machinery/api/networking-v1.js";
import type { Rng } from "../../machinery/api/rng.js";
import { familyOf, formatAddress } from "../../machinery/network/addresses.js";
import { SYN_TIMEOUT_MS } from "../../machinery/network/handshake.js";
import { Links, reversed } from "../../machinery/network/links.js";
import { connectionPair, type Latency, type OwnedConnection } from "../../machinery/network/memory-pipe.js";
import { ConnectionError, type SocketAddress } from "../../machinery/network/network.js";
import type { Uplink } from "../../machinery/network/uplink.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import type { Balancer } from "../balancers/balancer.js";
import { balancerNamed } from "../balancers/balancers.js";
import { iptables } from "../balancers/iptables.js";
import { dataPlaneHandlers } from "./admin.js";
import type { CarrierDialer, CarrierPath } from "./carrier-dialer.js";
import { CountedConnection } from "./counted-connection.js";
import { Datagrams } from "./datagrams.js";
import type { Decision, Packet } from "./decision.js";
import { FlowLog, type FlowOutcome, type FlowRecord } from "./flow-log.js";
import { HostDatagrams } from "./host-datagrams.js";
import type { HostListeners } from "./host-ports.js";
import { KernelFlows } from "./kernel-flows.js";
import { throughLoopback } from "./loopback.js";
import { backendKey } from "./route-entry.js";
import { ProgrammingFaults } from "./programming-faults.js";
import { Router } from "./router.js";
import { TableLog } from "./table-log.js";
import type { DataPlaneApi, DataPlaneBoot, HostPort, ProgramResult, ProgramTransaction } from "./table.js";
import { type Explanation, explain } from "./trace.js";

export interface DataPlaneOptions {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** How packets reach the carriers of nodes and hosts. */
  dialCarrier: CarrierDialer;
  /** Host sockets for node ports; absent in simulation. */
  hostListeners?: HostListeners;
  /** How connections spread over endpoints. Default: iptables mode. */
  balancer?: Balancer;
  /** What the proxy can ask for. Default: every balancer. */
  balancerNamed?: (name: string) => Balancer | undefined;
  /** Hosts that are no nodes, by address: `{"172.18.0.2": "/…/apiserver.carrier.sock"}`. */
  hosts?: Readonly<Record<string, string>>;
  serviceCIDRs?: readonly string[];
  flowCapacity?: number;
  /** TCP connections that may be open; further ones are refused. Default: 65,536. */
  mostConnections?: number;
}

const MOST_CONNECTIONS = 65_536;

const FOLLOWS = "an exchange of these addresses goes there already (conntrack)";

/** How long kube-proxy in userspace mode waits for one endpoint after another. */
const USERSPACE_DIAL_TIMEOUTS_MS = [250, 1000, 2000, 4000];

interface OpenFlow {
  connection: OwnedConnection;
  record: FlowRecord;
  decision: Decision;
}

/** Who calls from the host, as the nodes see it: the gateway of their network (Docker's, in clusters made with kind). */
export const HOST_IP = "172.18.0.1";
const HOST_IPS = { IPv4: HOST_IP, IPv6: "fd00:172:18::1" } as const;

/** The host's address of the family in which it calls. */
export const hostIpFor = (ip: string): string => HOST_IPS[familyOf(ip)];

/** The nodes' kernels: tables, NAT, conntrack and the flows through them. Knows no API; everything comes by `program`. */
export class DataPlane implements Uplink, DataPlaneApi {
  readonly flows: FlowLog;
  readonly links: Links;
  readonly programming = new ProgrammingFaults();
  readonly router: Router;
  readonly datagrams: Datagrams;
  /** UDP from the host. */
  readonly hostDatagrams: HostDatagrams;
  readonly tableLog: TableLog;
  /** By whoever set them. */
  readonly #limits = new Map<object, number>();
  #mostConnections = MOST_CONNECTIONS;
  readonly #options: DataPlaneOptions;
  readonly #startId: string;
  readonly #rebooted = new Set<() => void>();
  readonly #kernelFlows = new KernelFlows();
  #boots = 1;
  #programmed = 0;

  constructor(options: DataPlaneOptions) {
    const { clock, rng } = options;
    this.#options = options;
    this.#takeLimits();
    this.#startId = `${Math.floor(clock.nowMs())}-${rng.fork("boot").suffix(8)}`;
    this.links = new Links(rng.fork("links"), () => clock.monotonicMs());
    this.tableLog = new TableLog({ nowMs: () => clock.nowMs(), nextFlow: () => this.flows.nextId });
    this.router = new Router({
      clock,
      rng: rng.fork("nodes"),
      balancer: options.balancer ?? iptables,
      hosts: options.hosts ?? {},
      serviceCIDRs: options.serviceCIDRs ?? DEFAULT_SERVICE_CIDRS,
      onTable: (node, before, after) => this.tableLog.note(node, before, after),
    });
    this.flows = new FlowLog(clock, options.flowCapacity, this.router.connections);
    this.datagrams = new Datagrams({
      clock,
      router: this.router,
      flows: this.flows,
      links: this.links,
      dialer: options.dialCarrier,
    });
    this.hostDatagrams = new HostDatagrams(this.datagrams, HOST_IPS);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Of this start of the process. */
  get startId(): string {
    return this.#startId;
  }

  /** Changes when tables were lost: with this process, or with one node's kernel. */
  get bootId(): string {
    return `${this.#startId}/${this.#boots}`;
  }

  async *boots(signal: AbortSignal): AsyncGenerator<DataPlaneBoot> {
    let told = 0;
    while (!signal.aborted) {
      if (told !== this.#boots) {
        told = this.#boots;
        yield { bootId: this.bootId, revision: this.router.newestRevision };
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#rebooted.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#rebooted.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** The node's kernel is gone, with its table and what it remembered. Throws RangeError for an unknown node. */
  crashNode(node: string): void {
    if (!this.router.kernel(node)) throw new RangeError(`node "${node}" not found`);
    this.router.crash(node);
    this.datagrams.forgetNode(node);
  }

  /** The node's kernel runs again; whoever programs it is told to send everything. */
  bootNode(node: string): void {
    if (!this.router.isDown(node)) return;
    this.router.boot(node);
    this.#kernelFlows.reset(node);
    this.askForEverything();
  }

  /** The rules of these nodes are gone (`iptables -F`); connections that are open go on. Throws RangeError for an unknown node. */
  flushTables(nodes: readonly string[]): void {
    const unknown = nodes.find((node) => !this.router.kernel(node));
    if (unknown !== undefined) throw new RangeError(`node "${unknown}" not found`);
    for (const node of nodes) this.router.flushTable(node);
  }

  /** Whoever programs it is told that tables are not what they were. */
  askForEverything(): void {
    this.#boots += 1;
    for (const wake of this.#rebooted) wake();
  }

  /** Transactions applied since the start. */
  get programmed(): number {
    return this.#programmed;
  }

  hostPorts(): readonly HostPort[] {
    return this.#options.hostListeners?.ports() ?? [];
  }

  async program(transaction: ProgramTransaction): Promise<ProgramResult> {
    const { bootId } = this;
    if (transaction.bootId !== undefined && transaction.bootId !== bootId)
      return { kind: "resync", bootId, reason: "the data plane was restarted" };
    this.#useBalancers(transaction);
    const result = this.router.program(this.programming.taken(transaction));
    if ("mismatch" in result) return { kind: "resync", bootId, reason: result.mismatch };
    this.#programmed += 1;
    const conntrackDeleted = this.programming.keepsConntrack ? 0 : this.datagrams.flushStale(result.changed);
    await this.#options.hostListeners?.sync(this.router);
    return { kind: "programmed", bootId, hostPorts: this.hostPorts(), conntrackDeleted };
  }

  #useBalancers({ balancer, nodeBalancers = {} }: ProgramTransaction): void {
    if (balancer === undefined) return;
    const named = this.#options.balancerNamed ?? balancerNamed;
    const known = (name: string): Balancer => {
      const found = named(name);
      if (!found) throw new RangeError(`unknown proxy mode "${name}"`);
      return found;
    };
    const byNode = Object.entries(nodeBalancers).map(([node, name]) => [node, known(name)] as const);
    this.router.useBalancers(known(balancer), new Map(byNode));
  }

  /** A connection from a host of this process. Rejects with ConnectionError. */
  async dial(from: SocketAddress, to: SocketAddress, signal?: AbortSignal): Promise<OwnedConnection> {
    const { connection, record } = await this.open({ protocol: "TCP", from, to }, signal);
    return new CountedConnection(connection, record, this.flows);
  }

  /**
   * Decides and dials; the caller ends the flow. Rejects with ConnectionError, the flow having ended. In userspace mode an
   * endpoint that does not answer is passed over, each attempt being a flow of its own; when none is left, the client's
   * connection, which the proxy has taken already, is closed.
   */
  async open(packet: Packet, signal?: AbortSignal): Promise<OpenFlow> {
    if (!this.router.retries(packet) || this.router.decide(packet, { dryRun: true }).backend === undefined)
      return this.#attempt(packet, signal);
    for (const [attempt, timeoutMs] of USERSPACE_DIAL_TIMEOUTS_MS.entries()) {
      try {
        return await this.#attempt(packet, signal, { retry: attempt > 0, timeoutMs });
      } catch (err) {
        if (signal?.aborted) throw err;
      }
    }
    return this.#closed(packet, this.router.decide(packet, { dryRun: true }), "no endpoint answered");
  }

  /** A connection that the proxy accepted and has nobody for. */
  #closed(packet: Packet, decision: Decision, reason: string, record?: FlowRecord): OpenFlow {
    const { near, far } = this.pathOf(packet, decision);
    const [connection, proxy] = connectionPair({ clock: this.#options.clock, near, far });
    proxy.end();
    const flow = record ?? this.flows.begin(packet, { ...decision, verdict: "closed" });
    this.flows.ended(flow, "closed", reason);
    return { connection, record: flow, decision };
  }

  async #attempt(
    packet: Packet,
    signal?: AbortSignal,
    { retry = false, timeoutMs }: { retry?: boolean; timeoutMs?: number } = {},
  ): Promise<OpenFlow> {
    const { decision, record } = this.begin(packet, retry);
    if (decision.verdict === "closed")
      return this.#closed(packet, decision, decision.reason ?? "no endpoint", record);
    if (decision.verdict !== "forward") {
      this.flows.ended(record, decision.verdict, decision.reason);
      if (decision.verdict === "timed-out") await this.dropped(signal);
      throw new ConnectionError(decision.verdict, decision.reason);
    }
    try {
      const connection = await this.#dial(this.pathOf(packet, decision), timeoutMs, signal);
      this.flows.opened(record);
      if (decision.node) this.#kernelFlows.add(decision.node, connection);
      return { connection, record, decision };
    } catch (err) {
      const failure = decision.hop?.isProxy && outcomeOf(err) === "unreachable" ? proxyIsGone() : err;
      this.flows.ended(
        record,
        outcomeOf(failure),
        failure instanceof Error ? failure.message : String(failure),
      );
      throw failure;
    }
  }

  get #openConnections(): number {
    return this.flows.active - this.datagrams.conntrack.size;
  }

  /** So many more connections than now, and no more, until the answer is called. */
  limitConnections(more: number): () => void {
    const limit = {};
    this.#limits.set(limit, this.#openConnections + more);
    this.#takeLimits();
    return () => {
      this.#limits.delete(limit);
      this.#takeLimits();
    };
  }

  #takeLimits(): void {
    this.#mostConnections = Math.min(
      this.#options.mostConnections ?? MOST_CONNECTIONS,
      ...this.#limits.values(),
    );
  }

  /** Decides about a new connection and notes it in the flow log. */
  begin(packet: Packet, retry = false): { decision: Decision; record: FlowRecord } {
    const sent = throughLoopback(this.router, packet);
    const mostConnections = this.#mostConnections;
    const decision: Decision =
      this.#openConnections < mostConnections
        ? this.router.decide(sent, { retry })
        : {
            verdict: "refused",
            reason: `${mostConnections} connections are open`,
            from: sent.from,
            to: sent.to,
          };
    return { decision, record: this.flows.begin(packet, decision) };
  }

  async #dial(
    path: CarrierPath,
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<OwnedConnection> {
    const { clock, dialCarrier } = this.#options;
    if (this.links.refuses(path.ends)) throw new ConnectionError("refused", "the link resets connections");
    if (timeoutMs === undefined) return this.#tracked(path, await dialCarrier.dial(path, signal));
    const late = new AbortController();
    const timer = clock.setTimer(timeoutMs, () => late.abort());
    try {
      const patience = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
      return this.#tracked(path, await dialCarrier.dial(path, patience));
    } finally {
      timer.cancel();
    }
  }

  #tracked({ ends }: CarrierPath, connection: OwnedConnection): OwnedConnection {
    this.links.track(ends, connection);
    return connection;
  }

  /** What a node's kernel translates is lost once that kernel is gone. */
  #throughKernel(node: string | undefined, link: Latency): Latency {
    if (!node) return link;
    const crashes = this.router.crashesOf(node);
    return (bytes) => (this.router.crashesOf(node) === crashes ? link(bytes) : Number.POSITIVE_INFINITY);
  }

  pathOf(packet: Packet, decision: Decision): CarrierPath {
    const ends = {
      source: decision.sourceNode ?? packet.enteredAt ?? "",
      destination: decision.hop?.node?.nodeName ?? "",
      from: packet.from.ip,
      to: decision.to.ip,
    };
    return {
      carrier: decision.hop?.carrier ?? "",
      ends,
      near: { local: packet.from, remote: packet.to },
      far: { local: decision.to, remote: decision.from },
      forth: this.#throughKernel(decision.node, this.links.latency(ends)),
      back: this.#throughKernel(decision.node, this.links.latency(reversed(ends))),
    };
  }

  sendDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.datagrams.send(from, to, bytes);
  }

  /** Explains what would happen to a packet, and why not something else. Connects nowhere. */
  trace(packet: Packet): Explanation {
    const explanation = explain(this.router, packet);
    const begun = packet.protocol === "UDP" && this.datagrams.conntrack.original(packet.from, packet.to);
    if (!begun) return explanation;
    const { decision, flow, translated } = begun;
    const endpoints = explanation.endpoints.map(({ backend }) => {
      const chosen = backendKey(backend) === flow.backend;
      return { backend, chosen, why: chosen ? FOLLOWS : "an exchange of these addresses goes elsewhere" };
    });
    const backend = flow.backend ?? formatAddress(translated.to);
    const { verdict } = decision;
    return { ...explanation, ...translated, verdict, endpoints, conntrack: { backend, atMs: flow.atMs } };
  }

  adminHandlers(): AdminHandlers {
    return dataPlaneHandlers(this);
  }

  /** One datagram from the host and its answer; rejects with ConnectionError `timed-out`. */
  async exchange(to: SocketAddress, bytes: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    let answered: (bytes: Uint8Array) => void = () => {};
    const answer = new Promise<Uint8Array>((resolve) => {
      answered = resolve;
    });
    const exchange = this.hostDatagrams.open(to, answered);
    const waiting = new AbortController();
    try {
      exchange.send(bytes);
      return await Promise.race([answer, this.#timedOut(timeoutMs, waiting.signal)]);
    } finally {
      waiting.abort();
      exchange.close();
    }
  }

  async #timedOut(timeoutMs: number, signal: AbortSignal): Promise<never> {
    await this.#options.clock.sleep(timeoutMs, signal).catch(() => {});
    throw new ConnectionError("timed-out");
  }

  async close(): Promise<void> {
    this.datagrams.conntrack.close();
    await this.#options.hostListeners?.close();
  }

  /** Packets that a rule drops get no answer: the client's kernel gives up after its last SYN. */
  async dropped(signal?: AbortSignal): Promise<void> {
    try {
      await this.#options.clock.sleep(SYN_TIMEOUT_MS, signal);
    } catch {
      throw new ConnectionError("aborted");
    }
  }
}

function outcomeOf(err: unknown): FlowOutcome {
  if (!(err instanceof ConnectionError)) return "unreachable";
  switch (err.reason) {
    case "refused":
    case "unreachable":
    case "timed-out":
      return err.reason;
    case "reset":
    case "aborted":
    case "address-in-use":
      return "reset";
  }
}

/** The node is there, but nobody listens on the proxy's port. */
const proxyIsGone = (): ConnectionError => new ConnectionError("refused", "the node's proxy does not run");
