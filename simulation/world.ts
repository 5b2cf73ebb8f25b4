import type { Clock } from "../machinery/api/clock.js";
import type { HttpHandler, Transport } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import type { DirectIdentity } from "../machinery/client/direct-transport.js";
import { drawLatency, type LatencyRange } from "./latency-range.js";
import { built, type Parts } from "./parts.js";
import { PacketPaths } from "./packet-paths.js";
import { SimulatedDisk } from "./simulated-disk.js";
import { SkewableClock } from "../machinery/runtime/skewable-clock.js";
import { Wire } from "./wire.js";

export interface Latencies {
  /** Of each message between a component and the API server. Default 0.2 to 2 ms. */
  api: LatencyRange;
  /** Of each frame of a watch. Default as `api`. */
  watch: LatencyRange;
  /** Of each packet between hosts. Default 0.05 to 0.5 ms. */
  network: LatencyRange;
}

export const DEFAULT_LATENCIES: Latencies = {
  api: { minMs: 0.2, maxMs: 2 },
  watch: { minMs: 0.2, maxMs: 2 },
  network: { minMs: 0.05, maxMs: 0.5 },
};

export const ADMIN: DirectIdentity = {
  clientCertificate: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
};

export const asMember = (commonName: string, group: string): DirectIdentity => ({
  clientCertificate: { commonName, organizations: [group] },
});

/** What outlives the processes: the machine's time and disk, and the wires between them. */
export class World {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly latencies: Latencies;
  readonly parts: Parts;
  readonly disk: SimulatedDisk;
  readonly packets: PacketPaths;
  /** The API server. */
  readonly api: Wire;
  /** A read-only replica of it, when there is one. */
  readonly replica: Wire;
  readonly #kubelets = new Map<string, Wire>();

  constructor(options: { clock: Clock; rng: Rng; logger: Logger; latencies: Latencies; parts?: Parts }) {
    const { clock, rng, logger, latencies, parts = {} } = options;
    this.clock = clock;
    this.rng = rng;
    this.logger = logger;
    this.latencies = latencies;
    this.parts = parts;
    this.disk = new SimulatedDisk(built(parts.disk, { rng: rng.fork("disk") }));
    this.api = new Wire(clock);
    this.replica = new Wire(clock);
    this.packets = new PacketPaths(clock, drawLatency(rng.fork("network/packets"), latencies.network));
  }

  /** A process's way to the API server; `path` names its place in the tree of chance. */
  apiTransport(path: string, clock: SkewableClock, identity: DirectIdentity): Transport {
    return this.#connect(this.api, `latency/${path}`, clock, identity);
  }

  /** The same process's way to the replica. */
  replicaTransport(path: string, clock: SkewableClock, identity: DirectIdentity): Transport {
    return this.#connect(this.replica, `replica-latency/${path}`, clock, identity);
  }

  #connect(wire: Wire, path: string, clock: SkewableClock, identity: DirectIdentity): Transport {
    const rng = this.rng.fork(path);
    return wire.connect({
      clock,
      identity,
      latency: drawLatency(rng, this.latencies.api),
      streamLatency: drawLatency(rng, this.latencies.watch),
    });
  }

  /** The kubelet of a node. */
  kubelet(node: string): Wire {
    let wire = this.#kubelets.get(node);
    if (!wire) {
      wire = new Wire(this.clock);
      this.#kubelets.set(node, wire);
    }
    return wire;
  }

  serveKubelet(node: string, handler: HttpHandler, clock: SkewableClock): void {
    this.kubelet(node).serve(handler, clock);
  }

  kubeletTransport(node: string, clock: SkewableClock): Transport {
    return this.kubelet(node).connect({
      clock,
      identity: ADMIN,
      latency: drawLatency(this.rng.fork(`latency/kubelet-of/${node}`), this.latencies.network),
    });
  }

  /** Requests and streams that a process has open as a client. */
  openCalls(clock: SkewableClock): number {
    const wires = [this.api, this.replica, ...this.#kubelets.values()];
    return wires.reduce((sum, wire) => sum + wire.openCalls(clock), 0);
  }

  /** The kernel closes the sockets of a process that has ended. */
  processEnded(clock: SkewableClock): void {
    for (const wire of [this.api, this.replica]) {
      wire.clientEnded(clock);
      if (wire.server?.clock === clock) wire.cut();
    }
    for (const wire of this.#kubelets.values()) {
      wire.clientEnded(clock);
      if (wire.server?.clock === clock) wire.cut();
    }
  }
}
