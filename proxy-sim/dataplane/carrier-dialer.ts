import type { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import type { LinkEnds } from "../../machinery/network/links.js";
import type { Latency, OwnedConnection } from "../../machinery/network/memory-pipe.js";
import type { SocketAddress } from "../../machinery/network/network.js";

/** The last hop of a packet: from the data plane to the process that carries its destination. */
export interface CarrierPath {
  carrier: string;
  /** What the client sees, before NAT. */
  near: { local: SocketAddress; remote: SocketAddress };
  /** What the backend sees, after NAT. */
  far: { local: SocketAddress; remote: SocketAddress };
  ends: LinkEnds;
  /** What the link between the two does to each packet. */
  forth: Latency;
  back: Latency;
}

export interface CarrierDialer {
  /** Rejects with ConnectionError. */
  dial(path: CarrierPath, signal?: AbortSignal): Promise<OwnedConnection>;
  sendDatagram(
    carrier: string,
    from: SocketAddress,
    to: SocketAddress,
    bytes: Uint8Array,
    /** How much later the link lets each copy arrive; none when it loses the datagram. */
    copies: readonly number[],
  ): void;
}

/** Carriers within this process, for the simulation. */
export const memoryDialer = (carriers: MemoryCarriers): CarrierDialer => ({
  dial: ({ carrier, near, far, forth, back }, signal) =>
    carriers.dial(carrier, near, far, { forth, back }, signal),
  sendDatagram: (carrier, from, to, bytes, copies) => carriers.sendDatagram(carrier, from, to, bytes, copies),
});
