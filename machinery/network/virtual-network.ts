import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { canonicalIp } from "./addresses.js";
import { HostNetwork } from "./host-network.js";
import type { OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import { PortLog } from "./port-log.js";
import type { AcceptOutcome, Inbound, Uplink } from "./uplink.js";

export interface VirtualNetworkOptions {
  clock: Clock;
  rng: Rng;
  uplink: Uplink;
}

/** The hosts of one process: pods, nodes, the API server's machine. Everything between hosts goes through the uplink. */
export class VirtualNetwork implements Inbound {
  /** Who listened where, and until when. */
  readonly ports: PortLog;
  readonly #options: VirtualNetworkOptions;
  readonly #hosts = new Map<string, HostNetwork>();
  /** Those whose address another host has taken over. */
  readonly #silenced = new Map<string, HostNetwork[]>();

  constructor(options: VirtualNetworkOptions) {
    this.#options = options;
    this.ports = new PortLog(options.clock);
  }

  /**
   * A host with one address, or with one of each family, the primary one first. Throws ConnectionError `address-in-use`
   * when an address is taken, unless the new host `takesOver`: then packets are its, as the last to answer ARP gets them,
   * until it is removed. A node `hasNodePorts`.
   */
  addHost(
    addresses: string | readonly string[],
    { hasNodePorts = false, takesOver = false } = {},
  ): HostNetwork {
    const ips = (typeof addresses === "string" ? [addresses] : addresses).map(canonicalIp);
    const taken = takesOver ? undefined : ips.find((ip) => this.#hosts.has(ip));
    if (taken !== undefined) throw new ConnectionError("address-in-use", `${taken} is already a host`);
    const host = new HostNetwork({
      ips,
      hasNodePorts,
      ...this.#options,
      onPort: (port, open) => this.ports.note(ips[0] ?? "", port, open),
      onRemove: () => {
        for (const ip of ips) this.#forget(ip, host);
      },
    });
    for (const ip of ips) {
      const before = this.#hosts.get(ip);
      if (before) this.#silenced.set(ip, [...(this.#silenced.get(ip) ?? []), before]);
      this.#hosts.set(ip, host);
    }
    return host;
  }

  #forget(ip: string, host: HostNetwork): void {
    const silenced = this.#silenced.get(ip)?.filter((other) => other !== host) ?? [];
    const heir = this.#hosts.get(ip) === host ? silenced.pop() : this.#hosts.get(ip);
    if (heir) this.#hosts.set(ip, heir);
    else this.#hosts.delete(ip);
    if (silenced.length > 0) this.#silenced.set(ip, silenced);
    else this.#silenced.delete(ip);
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
