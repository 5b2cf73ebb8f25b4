import type { ByteStream } from "../api/http.js";

/** An address of the virtual network (or, at its edge, of the host). */
export interface SocketAddress {
  ip: string;
  port: number;
}

export type ConnectionErrorReason =
  | "refused" // the host is there, nobody listens (or a REJECT rule answered)
  | "unreachable" // no route, or the host is gone
  | "timed-out" // packets were dropped
  | "reset"
  | "address-in-use"
  | "aborted";

/** The one error of the virtual network. `machinery/network` maps system errors to it. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly reason: ConnectionErrorReason;
  constructor(reason: ConnectionErrorReason, message: string = reason) {
    super(message);
    this.reason = reason;
  }
}

/** A virtual TCP connection as one of its ends sees it (after NAT, as a real socket would). */
export interface Connection extends ByteStream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

export interface Listener {
  readonly address: SocketAddress;
  /** Stops accepting; open connections go on. */
  close(): void;
}

export interface Datagram {
  from: SocketAddress;
  bytes: Uint8Array;
}

export interface UdpSocket {
  readonly address: SocketAddress;
  /** Never fails: a datagram that cannot be delivered is lost. */
  send(to: SocketAddress, bytes: Uint8Array): void;
  /** Next datagram, or undefined once closed. At most 256 wait; more are dropped. */
  receive(): Promise<Datagram | undefined>;
  close(): void;
}

export interface ConnectOptions {
  signal?: AbortSignal;
  /** Rejects with `timed-out`. Default: wait for the network's own answer. */
  timeoutMs?: number;
}

/** The network namespace of one host: a pod's sandbox, a node, the API server's machine. */
export interface Network {
  /** The primary address. */
  readonly ip: string;
  /** All of them, at most one of each family, the primary one first. */
  readonly ips: readonly string[];
  /** Loopback and the host's own addresses stay inside the namespace. Rejects with ConnectionError. */
  connect(to: SocketAddress, options?: ConnectOptions): Promise<Connection>;
  /**
   * Port 0 picks a free one. Throws ConnectionError `address-in-use`. `ip` limits it to one address (127.0.0.1), and
   * `0.0.0.0` to IPv4; without it, as with `::`, both families are listened to.
   */
  listen(port: number, accept: (connection: Connection) => void, options?: { ip?: string }): Listener;
  /** Port 0 picks a free one. Throws ConnectionError `address-in-use`. */
  bindUdp(port: number): UdpSocket;
}
