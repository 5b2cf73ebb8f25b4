import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { formatAddress, isLoopback } from "./addresses.js";
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
  ip: string;
  clock: Clock;
  rng: Rng;
  uplink: Uplink;
  onRemove: () => void;
  /** What nobody here listens to is the kernel's to decide: `localhost:nodePort` on a node. */
  hasNodePorts?: boolean;
}

interface BoundListener extends Listener {
  accept: (connection: Connection) => void;
}

/** One network namespace. Loopback and the host's own address never leave it. */
export class HostNetwork implements Network {
  readonly ip: string;
  readonly #options: HostNetworkOptions;
  readonly #listeners = new Map<string, BoundListener>();
  readonly #udpSockets = new Map<number, HostUdpSocket>();
  readonly #connections = new Set<OwnedConnection>();
  readonly #tcpPorts: PortAllocator;
  readonly #udpPorts: PortAllocator;
  #removed = false;

  constructor(options: HostNetworkOptions) {
    this.ip = options.ip;
    this.#options = options;
    this.#tcpPorts = new PortAllocator(options.rng.fork(`${options.ip}/tcp`));
    this.#udpPorts = new PortAllocator(options.rng.fork(`${options.ip}/udp`));
  }

  async connect(to: SocketAddress, options: ConnectOptions = {}): Promise<Connection> {
    if (this.#removed) throw new ConnectionError("unreachable", "network is unreachable");
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
    const ip = options.ip === "0.0.0.0" || options.ip === "::" ? undefined : options.ip;
    if (this.#isTaken(bound, ip)) {
      const address = formatAddress({ ip: ip ?? "0.0.0.0", port: bound });
      throw new ConnectionError("address-in-use", `listen ${address}: address already in use`);
    }
    const key = `${ip ?? "*"}:${bound}`;
    const listener: BoundListener = {
      address: { ip: ip ?? this.ip, port: bound },
      accept,
      close: () => {
        if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
      },
    };
    this.#listeners.set(key, listener);
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
    const controller = new AbortController();
    const abort = (): void => controller.abort(new ConnectionError("aborted"));
    options.signal?.addEventListener("abort", abort, { once: true });
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : this.#options.clock.setTimer(options.timeoutMs, () =>
            controller.abort(new ConnectionError("timed-out", "connection timed out")),
          );
    try {
      const dialed = this.#options.uplink.dial({ ip: this.ip, port }, to, controller.signal);
      const connection = await orAborted(dialed, controller.signal);
      if (!this.#removed) return connection;
      connection.reset();
      throw new ConnectionError("unreachable", "network is unreachable");
    } finally {
      timer?.cancel();
      options.signal?.removeEventListener("abort", abort);
    }
  }

  #connectWithin(to: SocketAddress, port: number): OwnedConnection {
    const from = { ip: isLoopback(to.ip) ? "127.0.0.1" : this.ip, port };
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

  #sendDatagram(port: number, to: SocketAddress, bytes: Uint8Array): void {
    if (!this.#isOwn(to.ip)) return this.#options.uplink.sendDatagram({ ip: this.ip, port }, to, bytes);
    const from = { ip: isLoopback(to.ip) ? "127.0.0.1" : this.ip, port };
    queueMicrotask(() => this.acceptDatagram(from, to, bytes));
  }

  #own(connection: OwnedConnection, onClosed: () => void): void {
    this.#connections.add(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      onClosed();
    });
  }

  #listenerFor(to: SocketAddress): BoundListener | undefined {
    return this.#listeners.get(`${to.ip}:${to.port}`) ?? this.#listeners.get(`*:${to.port}`);
  }

  #isOwn(ip: string): boolean {
    return ip === this.ip || isLoopback(ip);
  }

  #isBound(port: number): boolean {
    return this.#listeners.has(`*:${port}`) || this.#listeners.has(`${this.ip}:${port}`);
  }

  #isTaken(port: number, ip: string | undefined): boolean {
    if (ip !== undefined) return this.#listeners.has(`*:${port}`) || this.#listeners.has(`${ip}:${port}`);
    for (const key of this.#listeners.keys()) if (key.endsWith(`:${port}`)) return true;
    return false;
  }

  #freePort(): number {
    const port = this.#tcpPorts.take((candidate) => this.#isTaken(candidate, undefined));
    this.#tcpPorts.release(port);
    return port;
  }
}

const refused = (to: SocketAddress): ConnectionError =>
  new ConnectionError("refused", `connect ${formatAddress(to)}: connection refused`);

/** Rejects as soon as the signal aborts; a connection that comes too late is reset. */
function orAborted(dialed: Promise<OwnedConnection>, signal: AbortSignal): Promise<OwnedConnection> {
  return new Promise((resolve, reject) => {
    let late = false;
    const onAbort = (): void => {
      late = true;
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    dialed.then(
      (connection) => {
        signal.removeEventListener("abort", onAbort);
        if (late) connection.reset();
        else resolve(connection);
      },
      (err: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(err as Error);
      },
    );
  });
}
