import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { HostNetwork } from "./host-network.js";
import type { OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import type { AcceptOutcome, Inbound, Uplink } from "./uplink.js";

export interface VirtualNetworkOptions {
  clock: Clock;
  rng: Rng;
  uplink: Uplink;
}

/** The hosts of one process: pods, nodes, the API server's machine. Everything between hosts goes through the uplink. */
export class VirtualNetwork implements Inbound {
  readonly #options: VirtualNetworkOptions;
  readonly #hosts = new Map<string, HostNetwork>();

  constructor(options: VirtualNetworkOptions) {
    this.#options = options;
  }

  /** Throws ConnectionError `address-in-use` when the address is taken. A node `hasNodePorts`. */
  addHost(ip: string, { hasNodePorts = false } = {}): HostNetwork {
    if (this.#hosts.has(ip)) throw new ConnectionError("address-in-use", `${ip} is already a host`);
    const host = new HostNetwork({
      ip,
      hasNodePorts,
      ...this.#options,
      onRemove: () => {
        this.#hosts.delete(ip);
      },
    });
    this.#hosts.set(ip, host);
    return host;
  }

  host(ip: string): HostNetwork | undefined {
    return this.#hosts.get(ip);
  }

  acceptConnection(from: SocketAddress, to: SocketAddress, open: () => OwnedConnection): AcceptOutcome {
    return this.#hosts.get(to.ip)?.acceptConnection(from, to, open) ?? "unreachable";
  }

  acceptDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.#hosts.get(to.ip)?.acceptDatagram(from, to, bytes);
  }
}
