import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "../../../machinery/api/logger.js";
import { formatAddress } from "../../../machinery/network/addresses.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { toConnectionError } from "../../../machinery/network/system-errors.js";
import type { HostListeners } from "../host-ports.js";
import type { RouteEntry } from "../route-entry.js";
import { RouteTable } from "../route-table.js";
import type { Router } from "../router.js";
import { selectBackends } from "../selection.js";
import type { HostPort, NodeRoute } from "../table.js";

export interface HostSocketOptions {
  logger: Logger;
  /** A connection from the host to a node's port. */
  onConnection: (socket: Socket, node: string, to: SocketAddress) => void;
  /** C of the addresses 127.C.0.n; absent: only 127.0.0.1. */
  loopbackIndex?: number;
  /** How many nodes have an address of their own. */
  hostNodes: number;
}

interface Bound {
  server: Server;
  port: HostPort;
}

/** Real listeners on this machine, one for each node port that somebody serves. */
export class HostSockets implements HostListeners {
  readonly #options: HostSocketOptions;
  readonly #bound = new Map<string, Bound>();
  /** The tables that the sockets already follow, by host address. */
  readonly #applied = new Map<string, { node: string; table: RouteTable }>();
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
    for (const { server } of this.#bound.values()) server.close();
    this.#bound.clear();
  }

  async #sync(router: Router): Promise<void> {
    if (this.#closed) return;
    const addresses = this.#addresses([...router.forwarding.nodes()]);
    for (const [ip, { node }] of this.#applied) if (addresses.get(ip)?.nodeName !== node) this.#leave(ip);
    for (const [ip, node] of addresses) {
      const table = router.kernel(node.nodeName)?.table ?? RouteTable.empty;
      const before = this.#applied.get(ip)?.table ?? RouteTable.empty;
      this.#applied.set(ip, { node: node.nodeName, table });
      if (table !== before) await this.#follow(ip, node, before, table);
    }
  }

  async #follow(ip: string, node: NodeRoute, before: RouteTable, table: RouteTable): Promise<void> {
    const { set, removed } = before.changedNodePorts(table);
    for (const key of removed) this.#unbind(`${ip} ${key}`);
    for (const [key, { entry }] of set) {
      const { protocol, nodePort } = entry.route;
      if (protocol !== "TCP" || nodePort === undefined) continue;
      // A closed port refuses, as the REJECT rule of a Service without endpoints does.
      if (isServed(entry, node)) await this.#bind(`${ip} ${key}`, { ip, port: nodePort }, node, entry);
      else this.#unbind(`${ip} ${key}`);
    }
  }

  async #bind(key: string, wanted: SocketAddress, node: NodeRoute, entry: RouteEntry): Promise<void> {
    const { servicePort } = entry.route;
    const bound = this.#bound.get(key);
    if (bound) {
      bound.port.servicePort = servicePort;
      return;
    }
    const port: HostPort = { servicePort, node: node.nodeName, wanted: formatAddress(wanted) };
    const to = { ip: node.internalIP, port: wanted.port };
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#options.onConnection(socket, node.nodeName, to),
    );
    const taken = await listen(server, wanted).catch((err: unknown) => toConnectionError(err));
    if (taken !== undefined && !(await this.#useFreePort(server, wanted, port, taken.message))) return;
    port.actual ??= port.wanted;
    this.#bound.set(key, { server, port });
  }

  /** Somebody else has the port. Only the main address gets a substitute. */
  async #useFreePort(
    server: Server,
    wanted: SocketAddress,
    port: HostPort,
    problem: string,
  ): Promise<boolean> {
    port.problem = problem;
    if (wanted.ip !== "127.0.0.1") return false;
    const failed = await listen(server, { ip: wanted.ip, port: 0 }).catch((err: unknown) =>
      toConnectionError(err),
    );
    const address = server.address();
    if (failed !== undefined || typeof address !== "object" || !address) return false;
    port.actual = formatAddress({ ip: wanted.ip, port: address.port });
    this.#options.logger.warn("Host port is taken; using a free one", { ...port });
    return true;
  }

  #unbind(key: string): void {
    this.#bound.get(key)?.server.close();
    this.#bound.delete(key);
  }

  #leave(ip: string): void {
    this.#applied.delete(ip);
    for (const key of this.#bound.keys()) if (key.startsWith(`${ip} `)) this.#unbind(key);
  }

  /** Host address → node. 127.0.0.1 is the first node. */
  #addresses(nodes: readonly NodeRoute[]): Map<string, NodeRoute> {
    const bySlot = new Map<number, NodeRoute>();
    const names = new Set(nodes.map((node) => node.nodeName));
    for (const name of this.#slots.keys()) if (!names.has(name)) this.#slots.delete(name);
    for (const node of nodes) bySlot.set(this.#slotOf(node.nodeName), node);
    const addresses = new Map<string, NodeRoute>();
    const first = bySlot.get([...bySlot.keys()].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
    if (first) addresses.set("127.0.0.1", first);
    const { loopbackIndex, hostNodes } = this.#options;
    if (loopbackIndex === undefined) return addresses;
    for (const [slot, node] of bySlot)
      if (slot <= hostNodes) addresses.set(`127.${loopbackIndex}.0.${slot}`, node);
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

const isServed = (entry: RouteEntry, node: NodeRoute): boolean =>
  selectBackends(entry, "node-port", { node: node.nodeName, zone: node.zone, external: true }).kind !==
  "reject";

function listen(server: Server, { ip, port }: SocketAddress): Promise<undefined> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: ip, port }, () => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve(undefined);
    });
  });
}
