import type { OwnedConnection } from "./memory-pipe.js";
import type { SocketAddress } from "./network.js";

/** The way out of a host: the data plane, which stands for the nodes' kernels. */
export interface Uplink {
  /** The result's `local` is `from`, its `remote` is `to`. Rejects with ConnectionError. */
  dial(from: SocketAddress, to: SocketAddress, signal?: AbortSignal): Promise<OwnedConnection>;
  /** Never fails: what cannot be delivered is lost. */
  sendDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void;
}

/** What became of a connection request that arrived at a host. */
export type AcceptOutcome = "open" | "refused" | "unreachable";

/** Where connections and datagrams come in. */
export interface Inbound {
  /** `open` is called once, and only when somebody listens: it completes the handshake. */
  acceptConnection(from: SocketAddress, to: SocketAddress, open: () => OwnedConnection): AcceptOutcome;
  acceptDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void;
}
