import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { canonicalIp, familyOf, formatAddress, isLoopback, loopbackOf } from "./addresses.js";
import { connectionPair, type OwnedConnection } from "./memory-pipe.js";
import {
  type Connection,
  ConnectionError,
  type ConnectOptions,
  type Listener,
  type Network,
  type SocketAddress,
  type UdpSocket,
} from "./network.js";
import { PortAllocator } from "./port-allocator.js";
import { HostUdpSocket } from "./udp-socket.js";
import type { AcceptOutcome, Uplink } from "./uplink.js";

export interface HostNetworkOptions {
  /** Canonical, at most one of each family, the primary one first. */
  ips: readonly string[];
  clock: Clock;
  rng: Rng;
  uplink: Uplink;
  onRemove: () => void;
  /** Hears of every TCP port that is listened on, and of its end. */
  onPort?: (port: number, open: boolean) => void;
  /** What nobody here listens to is the kernel's to decide: `localhost:nodePort` on a node. */
  hasNodePorts?: boolean;
}

/** What a listener is bound to that takes every address, or every IPv4 address. */
const EVERY = "*";
const EVERY_IPV4 = "0.0.0.0";

interface BoundListener extends Listener {
  accept: (connection: Connection) => void;
}

/** One network namespace. Loopback and the host's own addresses never leave it. */
export class HostNetwork implements Network {
  readonly ip: string;
  readonly ips: readonly string[];
  readonly #options: HostNetworkOptions;
  readonly #listeners = new Map<string, BoundListener>();
  readonly #udpSockets = new Map<number, HostUdpSocket>();
  readonly #connections = new Set<OwnedConnection>();
  readonly #tcpPorts: PortAllocator;
  readonly #udpPorts: PortAllocator;
  #removed = false;

  constructor(options: HostNetworkOptions) {
    const [ip] = options.ips;
    if (ip === undefined) throw new RangeError("a host needs an address");
    this.ip = ip;
    this.ips = options.ips;
    this.#options = options;
    this.#tcpPorts = new PortAllocator(options.rng.fork(`${ip}/tcp`));
    this.#udpPorts = new PortAllocator(options.rng.fork(`${ip}/udp`));
  }

  async connect(address: SocketAddress, options: ConnectOptions = {}): Promise<Connection> {
    if (this.#removed) throw new ConnectionError("unreachable", "network is unreachable");
    const to = { ip: canonicalIp(address.ip), port: address.port };
    if (options.signal?.aborted) throw new ConnectionError("aborted");
    const port = this.#tcpPorts.take((candidate) => this.#isBound(candidate));
    try {
      const connection = await this.#open(to, port, options);
      this.#own(connection, () => this.#tcpPorts.release(port));
      return connection;
    } catch (err) {
      this.#tcpPorts.release(port);
      throw err;
    }
  }

  listen(port: number, accept: (connection: Connection) => void, options: { ip?: string } = {}): Listener {
    if (this.#removed) throw new ConnectionError("unreachable", "network is unreachable");
    const bound = port === 0 ? this.#freePort() : port;
    const ip = options.ip === undefined || options.ip === "::" ? EVERY : canonicalIp(options.ip);
    if (this.#isTaken(bound, ip)) {
      const address = formatAddress({ ip: ip === EVERY ? EVERY_IPV4 : ip, port: bound });
      throw new ConnectionError("address-in-use", `listen ${address}: address already in use`);
    }
    const key = `${ip} ${bound}`;
    const listener: BoundListener = {
      address: { ip: ip === EVERY || ip === EVERY_IPV4 ? this.ip : ip, port: bound },
      accept,
      close: () => {
        if (this.#listeners.get(key) !== listener) return;
        this.#listeners.delete(key);
        this.#options.onPort?.(bound, false);
      },
    };
    this.#listeners.set(key, listener);
    this.#options.onPort?.(bound, true);
    return listener;
  }

  bindUdp(port: number): UdpSocket {
    if (this.#removed) throw new ConnectionError("unreachable", "network is unreachable");
    const chosen = port === 0;
    const bound = chosen ? this.#udpPorts.take((candidate) => this.#udpSockets.has(candidate)) : port;
    if (this.#udpSockets.has(bound))
      throw new ConnectionError("address-in-use", `bind UDP port ${bound}: address already in use`);
    const socket: HostUdpSocket = new HostUdpSocket(
      { ip: this.ip, port: bound },
      (to, bytes) => this.#sendDatagram(bound, to, bytes),
      () => {
        this.#udpSockets.delete(bound);
        if (chosen) this.#udpPorts.release(bound);
      },
    );
    this.#udpSockets.set(bound, socket);
    return socket;
  }

  /**
   * The host goes away. `reset` closes what is open, as an orderly removal does; `vanish` leaves every peer with a
   * half-open connection, as a power cut does.
   */
  remove(how: "reset" | "vanish"): void {
    if (this.#removed) return;
    this.#removed = true;
    for (const { address } of this.#listeners.values()) this.#options.onPort?.(address.port, false);
    this.#listeners.clear();
    for (const socket of this.#udpSockets.values()) socket.close();
    for (const connection of this.#connections)
      if (how === "reset") connection.reset();
      else connection.vanish();
    this.#connections.clear();
    this.#options.onRemove();
  }

  acceptConnection(from: SocketAddress, to: SocketAddress, open: () => OwnedConnection): AcceptOutcome {
    if (this.#removed) return "unreachable";
    const listener = this.#listenerFor(to);
    if (!listener) return "refused";
    const connection = open();
    this.#own(connection, () => {});
    listener.accept(connection);
    return "open";
  }

  acceptDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.#udpSockets.get(to.port)?.arrive({ from, bytes });
  }

  #open(
    to: SocketAddress,
    port: number,
    options: ConnectOptions,
  ): Promise<OwnedConnection> | OwnedConnection {
    if (!this.#isOwn(to.ip)) return this.#dial(to, port, options);
    if (!this.#options.hasNodePorts || this.#listenerFor(to)) return this.#connectWithin(to, port);
    return this.#dial(to, port, options).catch((err: unknown) => {
      if (err instanceof ConnectionError && err.reason === "unreachable") throw refused(to);
      throw err;
    });
  }

  async #dial(to: SocketAddress, port: number, options: ConnectOptions): Promise<OwnedConnection> {
    const from = this.#sourceFor(to.ip);
    if (from === undefined) throw new ConnectionError("unreachable", "network is unreachable");
    const patience = new Patience();
    const abort = (): void => patience.end(new ConnectionError("aborted"));
    options.signal?.addEventListener("abort", abort, { once: true });
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : this.#options.clock.setTimer(options.timeoutMs, () =>
            patience.end(new ConnectionError("timed-out", "connection timed out")),
          );
    try {
      const dialed = this.#options.uplink.dial({ ip: from, port }, to, patience.signal);
      const connection = await patience.for(dialed);
      if (!this.#removed) return connection;
      connection.reset();
      throw new ConnectionError("unreachable", "network is unreachable");
    } finally {
      timer?.cancel();
      options.signal?.removeEventListener("abort", abort);
    }
  }

  #connectWithin(to: SocketAddress, port: number): OwnedConnection {
    const from = { ip: isLoopback(to.ip) ? loopbackOf(to.ip) : to.ip, port };
    const listener = this.#listenerFor(to);
    if (!listener) throw refused(to);
    const [near, far] = connectionPair({
      clock: this.#options.clock,
      near: { local: from, remote: to },
      far: { local: to, remote: from },
    });
    this.#own(far, () => {});
    listener.accept(far);
    return near;
  }

  #sendDatagram(port: number, address: SocketAddress, bytes: Uint8Array): void {
    const to = { ip: canonicalIp(address.ip), port: address.port };
    const mayBeNodePort = this.#options.hasNodePorts === true && !this.#udpSockets.has(to.port);
    if (!this.#isOwn(to.ip) || mayBeNodePort) {
      const ip = this.#sourceFor(to.ip);
      if (ip !== undefined) this.#options.uplink.sendDatagram({ ip, port }, to, bytes);
      return;
    }
    const from = { ip: isLoopback(to.ip) ? loopbackOf(to.ip) : to.ip, port };
    queueMicrotask(() => this.acceptDatagram(from, to, bytes));
  }

  #own(connection: OwnedConnection, onClosed: () => void): void {
    this.#connections.add(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      onClosed();
    });
  }

  /** The host's address of the family in which it calls; undefined when it has none. */
  #sourceFor(ip: string): string | undefined {
    const family = familyOf(ip);
    return this.ips.find((own) => familyOf(own) === family);
  }

  #listenerFor(to: SocketAddress): BoundListener | undefined {
    const exact = this.#listeners.get(`${to.ip} ${to.port}`) ?? this.#listeners.get(`${EVERY} ${to.port}`);
    if (exact || familyOf(to.ip) === "IPv6") return exact;
    return this.#listeners.get(`${EVERY_IPV4} ${to.port}`);
  }

  #isOwn(ip: string): boolean {
    return this.ips.includes(ip) || isLoopback(ip);
  }

  #isBound(port: number): boolean {
    return [EVERY, EVERY_IPV4, ...this.ips].some((ip) => this.#listeners.has(`${ip} ${port}`));
  }

  /** Whether a listener on `ip` would overlap one that is there. */
  #isTaken(port: number, ip: string): boolean {
    if (this.#listeners.has(`${ip} ${port}`) || this.#listeners.has(`${EVERY} ${port}`)) return true;
    if (ip !== EVERY && familyOf(ip) === "IPv4" && this.#listeners.has(`${EVERY_IPV4} ${port}`)) return true;
    if (ip !== EVERY && ip !== EVERY_IPV4) return false;
    for (const [key, { address }] of this.#listeners) {
      if (key.endsWith(` ${port}`) && (ip === EVERY || familyOf(address.ip) === "IPv4")) return true;
    }
    return false;
  }

  #freePort(): number {
    const port = this.#tcpPorts.take((candidate) => this.#isTaken(candidate, EVERY));
    this.#tcpPorts.release(port);
    return port;
  }
}

const refused = (to: SocketAddress): ConnectionError =>
  new ConnectionError("refused", `connect ${formatAddress(to)}: connection refused`);

/** How long a client waits for its dial: until it is told to stop. */
class Patience {
  readonly #controller = new AbortController();
  #fail: (reason: ConnectionError) => void = () => {};

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(reason: ConnectionError): void {
    this.#fail(reason);
    this.#controller.abort(reason);
  }

  /** Rejects at the end of patience; a connection that comes later is reset. */
  for(dialed: Promise<OwnedConnection>): Promise<OwnedConnection> {
    return new Promise((resolve, reject) => {
      let late = false;
      this.#fail = (reason) => {
        late = true;
        reject(reason);
      };
      dialed.then((connection) => {
        if (late) connection.reset();
        else resolve(connection);
      }, reject);
    });
  }
}
