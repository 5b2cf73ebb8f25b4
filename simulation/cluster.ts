import type { ApiServer } from "../apiserver/api-server.js";
import { memoryStorage } from "../apiserver/storage/memory-storage.js";
import type { StorageEngine } from "../apiserver/storage/engine.js";
import { ControllerManager } from "../controllers/controller-manager.js";
import { KubeletHost } from "../kubelet-sim/kubelet-host.js";
import { numberedNodes } from "../kubelet-sim/node/node-config.js";
import { createRuntime } from "../kubelet-sim/runtime/runtime.js";
import { type Logger, silentLogger } from "../machinery/api/logger.js";
import type { Rng, Secrets } from "../machinery/api/rng.js";
import { type HttpHandler, type Transport, TransportError } from "../machinery/api/http.js";
import { type DirectIdentity, directTransport } from "../machinery/client/direct-transport.js";
import { RestClient } from "../machinery/client/rest-client.js";
import { MemoryCarriers } from "../machinery/network/memory-carriers.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { DataPlane } from "../proxy-sim/dataplane/data-plane.js";
import { memoryDialer } from "../proxy-sim/dataplane/carrier-dialer.js";
import { Proxy } from "../proxy-sim/proxy.js";
import { startControlPlane } from "./control-plane.js";
import { type LatencyRange, latencyTransport } from "./latency-transport.js";
import { SimulationScheduler } from "./scheduler.js";
import { VirtualClock } from "./virtual-clock.js";

export interface SimulationOptions {
  seed: number | string;
  /** Default 3. */
  nodes?: number;
  /** Of each message between a component and the API server. Default 0.2 to 2 ms. */
  apiLatency?: LatencyRange;
  /** Of each packet between hosts. Default 0.05 to 0.5 ms. */
  networkLatency?: LatencyRange;
  logger?: Logger;
}

const ADMIN: DirectIdentity = {
  clientCertificate: { commonName: "kubernetes-admin", organizations: ["system:masters"] },
};
const KUBELET_CARRIER = "kubelet";
const READY_LIMIT_MS = 60_000;

/** The whole cluster in one process on a virtual clock: one seed, one history. */
export class SimulatedCluster {
  readonly clock: VirtualClock;
  readonly scheduler: SimulationScheduler;
  readonly rng: Rng;
  readonly storage: StorageEngine;
  readonly dataPlane: DataPlane;
  readonly kubelets: KubeletHost;
  readonly controllers: ControllerManager;
  readonly proxy: Proxy;
  /** The administrator's client. Its calls wait on simulated time: await them through `settle`. */
  readonly client: RestClient;
  readonly #server: ApiServer;
  readonly #options: SimulationOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];

  private constructor(
    options: SimulationOptions,
    parts: {
      clock: VirtualClock;
      storage: StorageEngine;
      server: ApiServer;
      rng: Rng;
      kubeletServers: Map<string, HttpHandler>;
    },
  ) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.clock = parts.clock;
    this.scheduler = new SimulationScheduler(parts.clock);
    this.storage = parts.storage;
    this.rng = parts.rng;
    this.#server = parts.server;
    const { clock, rng } = this;
    const logger = this.#logger;
    const carriers = new MemoryCarriers({ clock, latency: this.#packetLatency(rng.fork("network/packets")) });
    this.dataPlane = new DataPlane({
      clock,
      rng: rng.fork("dataplane"),
      logger,
      dialCarrier: memoryDialer(carriers),
    });
    const network = new VirtualNetwork({ clock, rng: rng.fork("network/kubelet"), uplink: this.dataPlane });
    carriers.register(KUBELET_CARRIER, network);
    this.kubelets = new KubeletHost({
      nodes: numberedNodes(options.nodes ?? 3),
      clientFor: (node) => this.clientAs(`kubelet/${node}`, asGroup(`system:node:${node}`, "system:nodes")),
      client: this.clientAs("kubelet/shared", ADMIN),
      runtimeFor: (request) =>
        createRuntime({
          ...request,
          network,
          clock,
          rng: rng.fork(`runtime/${request.nodeName}`),
          logger,
          apiAccess: (token) => this.transportAs(`pod/${request.nodeName}`, { token }),
        }),
      network,
      clock,
      rng: rng.fork("kubelet"),
      logger,
      config: { carrier: KUBELET_CARRIER },
    });
    for (const kubelet of this.kubelets.kubelets) parts.kubeletServers.set(kubelet.name, kubelet.server);
    this.controllers = new ControllerManager({
      transport: this.transportAs("controllers", asGroup("system:kube-controller-manager", "system:masters")),
      clock,
      rng: rng.fork("controllers"),
      logger,
      caCertificate: "simulated",
    });
    this.proxy = new Proxy({
      client: this.clientAs("proxy", asGroup("system:kube-proxy", "system:masters")),
      dataPlane: this.dataPlane,
      clock,
      rng: rng.fork("proxy"),
      logger,
    });
    this.client = this.clientAs("admin", ADMIN);
  }

  /** A cluster whose nodes are ready. Dispose of it with `stop`. */
  static async start(options: SimulationOptions): Promise<SimulatedCluster> {
    const clock = new VirtualClock();
    const rng = seededRng(options.seed);
    const logger = options.logger ?? silentLogger;
    const storage = memoryStorage({ clock, logger });
    const kubeletServers = new Map<string, HttpHandler>();
    const server = await startControlPlane({
      storage,
      clock,
      rng: rng.fork("apiserver"),
      secrets: fixtureSecrets(rng.fork("secrets")),
      logger,
      kubelets: { to: (node) => kubeletTransport(kubeletServers, node) },
    });
    const cluster = new SimulatedCluster(options, { clock, storage, server, rng, kubeletServers });
    cluster.#runAll();
    await cluster.until(() => cluster.kubelets.isReady, READY_LIMIT_MS, "every node being ready");
    return cluster;
  }

  /** A way to the API server with the run's latency, as `identity`. `path` names its place in the tree of chance. */
  transportAs(path: string, identity: DirectIdentity): Transport {
    const range = this.#options.apiLatency ?? { minMs: 0.2, maxMs: 2 };
    return latencyTransport(
      directTransport(this.#server, identity),
      this.clock,
      this.rng.fork(`latency/${path}`),
      range,
    );
  }

  clientAs(path: string, identity: DirectIdentity): RestClient {
    return new RestClient({
      transport: this.transportAs(path, identity),
      clock: this.clock,
      userAgent: path,
    });
  }

  /** Runs the world until the operation has ended, and answers as it does. */
  settle<T>(operation: Promise<T>): Promise<T> {
    return this.scheduler.settle(operation);
  }

  run(durationMs: number): Promise<void> {
    return this.scheduler.run(durationMs);
  }

  until(condition: () => boolean | Promise<boolean>, limitMs = 60_000, what?: string): Promise<void> {
    return this.scheduler.runUntil(condition, limitMs, what);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the simulation ended"));
    await this.settle(Promise.allSettled(this.#running));
    await this.settle(this.#server.stop());
  }

  #runAll(): void {
    const { signal } = this.#stopping;
    this.#running.push(this.controllers.run(signal), this.kubelets.run(signal), this.proxy.run(signal));
  }

  #packetLatency(rng: Rng): () => number {
    const { minMs, maxMs } = this.#options.networkLatency ?? { minMs: 0.05, maxMs: 0.5 };
    return () => minMs + (maxMs - minMs) * rng.next();
  }
}

const asGroup = (commonName: string, group: string): DirectIdentity => ({
  clientCertificate: { commonName, organizations: [group] },
});

/** Same bytes in every run of a seed: nothing secret is protected in a simulation. */
const fixtureSecrets = (rng: Rng): Secrets => ({
  randomBytes: (length) => Uint8Array.from({ length }, () => rng.int(0, 255)),
});

function kubeletTransport(servers: ReadonlyMap<string, HttpHandler>, node: string): Transport {
  const handler = servers.get(node);
  if (handler) return directTransport(handler, ADMIN);
  const refuse = (): Promise<never> => Promise.reject(new TransportError(`no kubelet of node ${node}`));
  return { request: refuse, upgrade: refuse };
}
