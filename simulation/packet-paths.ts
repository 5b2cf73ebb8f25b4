import type { Clock } from "../machinery/api/clock.js";
import { MemoryCarriers } from "../machinery/network/memory-carriers.js";
import type { Latency, OwnedConnection } from "../machinery/network/memory-pipe.js";
import { ConnectionError } from "../machinery/network/network.js";
import type { Inbound, Uplink } from "../machinery/network/uplink.js";
import { type CarrierDialer, memoryDialer } from "../proxy-sim/dataplane/carrier-dialer.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";

/** The one carrier of the cluster: the kubelet process holds all pods and nodes. */
export const KUBELET_CARRIER = "kubelet";

/**
 * The way of packets: from the kubelet process through the data plane's and back, or from the host. Both relay every byte,
 * so packets stand still while either does, and open connections are reset when either is killed.
 */
export class PacketPaths {
  /** Stands still while one of the processes on the way does. */
  readonly clock: SkewableClock;
  readonly #carriers: MemoryCarriers;
  readonly #dialer: CarrierDialer;
  readonly #open = new Set<OwnedConnection>();
  #dataPlane: { uplink: Uplink; clock: SkewableClock } | undefined;

  constructor(master: Clock, latency: Latency) {
    this.clock = new SkewableClock(master);
    this.#carriers = new MemoryCarriers({ clock: this.clock, latency });
    this.#dialer = memoryDialer(this.#carriers);
  }

  /** Where the kubelet process's network is reached. */
  register(network: Inbound): void {
    this.#carriers.register(KUBELET_CARRIER, {
      acceptConnection: (from, to, open) => network.acceptConnection(from, to, () => this.#track(open())),
      acceptDatagram: (from, to, bytes) => network.acceptDatagram(from, to, bytes),
    });
  }

  /** The kubelet process has ended: its kernel resets what is open. */
  unregister(): void {
    this.#carriers.unregister(KUBELET_CARRIER);
    this.#reset();
  }

  runDataPlane(uplink: Uplink, clock: SkewableClock): void {
    this.#dataPlane = { uplink, clock };
  }

  dataPlaneEnded(): void {
    this.#dataPlane = undefined;
    this.#reset();
  }

  /** How the data plane reaches carriers. */
  readonly dialer: CarrierDialer = {
    dial: async (path, signal) => this.#track(await this.#dialer.dial(path, signal)),
    sendDatagram: (...datagram) => this.#dialer.sendDatagram(...datagram),
  };

  /** The kubelet process's way to the data plane. */
  readonly uplink: Uplink = {
    dial: async (from, to, signal) => (await this.#whenRunning()).dial(from, to, signal),
    sendDatagram: (from, to, bytes) => {
      const dataPlane = this.#dataPlane;
      dataPlane?.clock.deliver(() => dataPlane.uplink.sendDatagram(from, to, bytes));
    },
  };

  #whenRunning(): Promise<Uplink> {
    const dataPlane = this.#dataPlane;
    if (!dataPlane) return Promise.reject(new ConnectionError("unreachable", "the data plane is not there"));
    return new Promise((resolve) => dataPlane.clock.deliver(() => resolve(dataPlane.uplink)));
  }

  #track(connection: OwnedConnection): OwnedConnection {
    this.#open.add(connection);
    void connection.closed.then(() => this.#open.delete(connection));
    return connection;
  }

  #reset(): void {
    for (const connection of this.#open) connection.reset();
    this.#open.clear();
  }
}
