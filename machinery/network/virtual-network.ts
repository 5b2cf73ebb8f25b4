import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { canonicalIp } from "./addresses.js";
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

  /**
   * A host with one address, or with one of each family, the primary one first. Throws ConnectionError `address-in-use`
   * when an address is taken. A node `hasNodePorts`.
   */
  addHost(addresses: string | readonly string[], { hasNodePorts = false } = {}): HostNetwork {
    const ips = (typeof addresses === "string" ? [addresses] : addresses).map(canonicalIp);
    const taken = ips.find((ip) => this.#hosts.has(ip));
    if (taken !== undefined) throw new ConnectionError("address-in-use", `${taken} is already a host`);
    const host = new HostNetwork({
      ips,
      hasNodePorts,
      ...this.#options,
      onRemove: () => {
        for (const ip of ips) this.#hosts.delete(ip);
      },
    });
    for (const ip of ips) this.#hosts.set(ip, host);
    return host;
  }

  host(ip: string): HostNetwork | undefined {
    return this.#hosts.get(canonicalIp(ip));
  }

  acceptConnection(from: SocketAddress, to: SocketAddress, open: () => OwnedConnection): AcceptOutcome {
    return this.#hosts.get(to.ip)?.acceptConnection(from, to, open) ?? "unreachable";
  }

  acceptDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    this.#hosts.get(to.ip)?.acceptDatagram(from, to, bytes);
  }
}
