import type { Socket } from "node:net";
import type { Clock } from "../../../machinery/api/clock.js";
import type { Protocol } from "../../../machinery/api/core-v1.js";
import type { Logger } from "../../../machinery/api/logger.js";
import { familyOf, formatAddress, loopbackOf } from "../../../machinery/network/addresses.js";
import type { HostPortMapping } from "../../../machinery/network/host-ports.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { toConnectionError } from "../../../machinery/network/system-errors.js";
import { isAnyIp, nodeAddress } from "../forwarding.js";
import type { ProxyMode } from "../../balancers/balancer.js";
import type { HostDatagrams } from "../host-datagrams.js";
import type { HostListeners } from "../host-ports.js";
import type { RouteEntry } from "../route-entry.js";
import { RouteTable } from "../route-table.js";
import type { Router } from "../router.js";
import { selectBackends } from "../selection.js";
import type { HostPort, NodeRoute } from "../table.js";
import { HostTcpPort } from "./host-tcp.js";
import { HostUdpPort } from "./host-udp.js";

const LAST_PORT = 65_535;
/** The address that people type. */
const HOST = "127.0.0.1";

export interface HostSocketOptions {
  clock: Clock;
  logger: Logger;
  /** UDP from the host; known once the data plane is made. */
  datagrams: () => HostDatagrams;
  /** A connection from the host to a node's port. */
  onConnection: (socket: Socket, node: string, to: SocketAddress) => void;
  /** C of the addresses 127.C.0.n; absent: only 127.0.0.1. */
  loopbackIndex?: number;
  /** How many nodes have an address of their own. */
  hostNodes: number;
}

/** A socket of this machine, not bound yet. */
interface HostSocket {
  /** Rejects with the system's error. */
  bind(address: SocketAddress): Promise<SocketAddress>;
  close(): void;
}

interface Bound {
  socket: HostSocket;
  port: HostPort;
}

/** What the sockets of one host address follow. */
interface Followed {
  node: string;
  mode: ProxyMode;
  table: RouteTable;
  hostPorts: readonly HostPortMapping[];
}

/** What a socket is for. */
interface Purpose {
  /** A service port, or `pod default/web-0` for a host port. */
  name: string;
  protocol: Protocol;
  node: NodeRoute;
  wanted: SocketAddress;
}

/** Real listeners on this machine, one for each node port that somebody serves and for each host port. */
export class HostSockets implements HostListeners {
  readonly #options: HostSocketOptions;
  readonly #bound = new Map<string, Bound>();
  /** The tables that the sockets already follow, by host address. */
  readonly #applied = new Map<string, Followed>();
  readonly #slots = new Map<string, number>();
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: HostSocketOptions) {
    this.#options = options;
  }

  ports(): readonly HostPort[] {
    return [...this.#bound.values()].map(({ port }) => port);
  }

  sync(router: Router): Promise<void> {
    this.#turn = this.#turn.then(() => this.#sync(router));
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    for (const { socket } of this.#bound.values()) socket.close();
    this.#bound.clear();
  }

  async #sync(router: Router): Promise<void> {
    if (this.#closed) return;
    const addresses = this.#addresses([...router.forwarding.nodes()]);
    for (const [ip, { node }] of this.#applied) if (addresses.get(ip)?.nodeName !== node) this.#leave(ip);
    for (const [ip, node] of addresses) {
      const { nodeName, hostPorts = [] } = node;
      const { table = RouteTable.empty, balancer } = router.kernel(nodeName) ?? {};
      const { mode } = balancer ?? router.balancer;
      const known = this.#applied.get(ip);
      this.#applied.set(ip, { node: nodeName, mode, table, hostPorts });
      const before = known?.table ?? RouteTable.empty;
      if (table !== before) await this.#follow(ip, node, before, table, mode);
      // Whether a Service without endpoints refuses depends on the mode.
      if (known && known.mode !== mode) await this.#follow(ip, node, RouteTable.empty, table, mode);
      if (hostPorts !== known?.hostPorts) await this.#followHostPorts(ip, node, known?.hostPorts ?? []);
    }
  }

  async #followHostPorts(ip: string, node: NodeRoute, before: readonly HostPortMapping[]): Promise<void> {
    const now = new Map(
      (node.hostPorts ?? [])
        .filter((each) => isOpenAt(each, ip, node))
        .map((each) => [keyOf(ip, each), each]),
    );
    for (const mapping of before) if (!now.has(keyOf(ip, mapping))) this.#unbind(keyOf(ip, mapping));
    for (const [key, { pod, protocol, hostPort }] of now) {
      if (protocol === "SCTP") continue;
      await this.#bind(key, { name: `pod ${pod}`, protocol, node, wanted: { ip, port: hostPort } });
    }
  }

  async #follow(
    ip: string,
    node: NodeRoute,
    before: RouteTable,
    table: RouteTable,
    mode: ProxyMode,
  ): Promise<void> {
    const { set, removed } = before.changedNodePorts(table);
    for (const key of removed) this.#unbind(`${ip} ${key}`);
    for (const [key, { entry }] of set) {
      const { protocol, nodePort } = entry.route;
      if (protocol === "SCTP" || nodePort === undefined) continue;
      // A closed port refuses, as the REJECT rule of a Service without endpoints does.
      const { servicePort: name } = entry.route;
      const wanted = { ip, port: nodePort };
      if (isServed(entry, node, ip, mode)) await this.#bind(`${ip} ${key}`, { name, protocol, node, wanted });
      else this.#unbind(`${ip} ${key}`);
    }
  }

  async #bind(key: string, purpose: Purpose): Promise<void> {
    const { name, node, wanted } = purpose;
    const bound = this.#bound.get(key);
    if (bound) {
      bound.port.servicePort = name;
      return;
    }
    const port: HostPort = { servicePort: name, node: node.nodeName, wanted: formatAddress(wanted) };
    const socket = await this.#open(port, wanted, () => this.#newSocket(purpose));
    if (socket) this.#bound.set(key, { socket, port });
  }

  #newSocket({ protocol, node, wanted }: Purpose): HostSocket {
    const to = { ip: nodeAddress(node, familyOf(wanted.ip)) ?? node.internalIP, port: wanted.port };
    const { clock, datagrams, onConnection } = this.#options;
    return protocol === "UDP"
      ? new HostUdpPort({ clock, datagrams: datagrams(), to, enteredAt: node.nodeName })
      : new HostTcpPort((socket) => onConnection(socket, node.nodeName, to));
  }

  /** Binds the wanted address; when somebody else has it, the main address gets another port instead. */
  async #open(
    port: HostPort,
    wanted: SocketAddress,
    newSocket: () => HostSocket,
  ): Promise<HostSocket | undefined> {
    const candidates = wanted.ip === HOST ? [wanted, ...substitutesFor(wanted)] : [wanted];
    for (const candidate of candidates) {
      const socket = newSocket();
      try {
        port.actual = formatAddress(await socket.bind(candidate));
        if (port.problem) this.#options.logger.warn("Host port is taken; using a free one", { ...port });
        return socket;
      } catch (err) {
        port.problem ??= toConnectionError(err).message;
        socket.close();
      }
    }
    return undefined;
  }

  #unbind(key: string): void {
    this.#bound.get(key)?.socket.close();
    this.#bound.delete(key);
  }

  #leave(ip: string): void {
    this.#applied.delete(ip);
    for (const key of this.#bound.keys()) if (key.startsWith(`${ip} `)) this.#unbind(key);
  }

  /** Host address → node. 127.0.0.1 is the first node, and so is ::1 where nodes have IPv6. */
  #addresses(nodes: readonly NodeRoute[]): Map<string, NodeRoute> {
    const bySlot = new Map<number, NodeRoute>();
    const names = new Set(nodes.map((node) => node.nodeName));
    for (const name of this.#slots.keys()) if (!names.has(name)) this.#slots.delete(name);
    for (const node of nodes) bySlot.set(this.#slotOf(node.nodeName), node);
    const addresses = new Map<string, NodeRoute>();
    const first = bySlot.get([...bySlot.keys()].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
    if (first) addresses.set(HOST, first);
    const { loopbackIndex, hostNodes } = this.#options;
    for (const [slot, node] of bySlot)
      if (loopbackIndex !== undefined && slot <= hostNodes)
        addresses.set(`127.${loopbackIndex}.0.${slot}`, node);
    if (first && nodeAddress(first, "IPv6") !== undefined) addresses.set(loopbackOf("::1"), first);
    return addresses;
  }

  /** `node-7` gets 7 if it is free; others the lowest free number. Kept while the node is there. */
  #slotOf(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.#slots.values());
    let slot = Number(/-(\d{1,4})$/.exec(name)?.[1] ?? 0);
    if (slot < 1 || taken.has(slot)) for (slot = 1; taken.has(slot); ) slot += 1;
    this.#slots.set(name, slot);
    return slot;
  }
}

/** The same ones each time, so that a restart keeps what people have typed; any free port in the end. */
const substitutesFor = ({ ip, port }: SocketAddress): SocketAddress[] =>
  [port + 10_000, port + 20_000, port + 30_000, 0]
    .filter((substitute) => substitute <= LAST_PORT)
    .map((substitute) => ({ ip, port: substitute }));

const isServed = (entry: RouteEntry, { nodeName, zone }: NodeRoute, ip: string, mode: ProxyMode): boolean =>
  selectBackends(entry, "node-port", {
    node: nodeName,
    zone,
    external: true,
    mode,
    ipv6: familyOf(ip) === "IPv6",
  }).kind !== "reject";

const keyOf = (ip: string, { hostPort, protocol }: HostPortMapping): string =>
  `${ip} host ${hostPort}/${protocol}`;

/** A mapping to one address of the node is not for those who call another. */
const isOpenAt = ({ hostIP, podIPs }: HostPortMapping, ip: string, node: NodeRoute): boolean =>
  podIPs.some((podIP) => familyOf(podIP) === familyOf(ip)) &&
  (isAnyIp(hostIP) || hostIP === nodeAddress(node, familyOf(ip)));
