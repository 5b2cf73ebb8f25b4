import { bootstrap } from "../../apiserver/bootstrap.js";
import { allResources } from "../../apiserver/registry/resources.js";
import { memoryStorage } from "../../apiserver/storage/memory-storage.js";
import type { ApiServer } from "../../apiserver/api-server.js";
import { ControllerManager } from "../../controllers/controller-manager.js";
import { KubeletHost } from "../../kubelet-sim/kubelet-host.js";
import { numberedNodes } from "../../kubelet-sim/node/node-config.js";
import { createRuntime } from "../../kubelet-sim/runtime/runtime.js";
import type { HttpHandler } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { latencyTransport } from "../../simulation/latency-transport.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { inProcessApi } from "./in-process-api.js";

/** API server, controllers and kubelets on one virtual clock: enough to see pods live, without a data plane. */
export class KubeletCluster {
  readonly clock = new VirtualClock();
  readonly scheduler: SimulationScheduler;
  readonly #stop = new AbortController();
  readonly server: ApiServer;
  readonly host: KubeletHost;
  readonly client: RestClient;
  readonly #running: Promise<unknown>;

  static async start(nodeCount: number): Promise<KubeletCluster> {
    const clock = new VirtualClock();
    const kubelets = new Map<string, HttpHandler>();
    const storage = memoryStorage();
    const rng = seededRng("kubelet-cluster");
    const server = await new SimulationScheduler(clock).settle(
      inProcessApi(allResources(), {
        clock,
        storage,
        rng: rng.fork("apiserver"),
        kubelets: {
          to: (node) => {
            const kubelet = kubelets.get(node);
            if (!kubelet) throw new RangeError(`no kubelet on ${node}`);
            return directTransport(kubelet);
          },
        },
      }),
    );
    const cluster = new KubeletCluster(clock, server, nodeCount);
    for (const { name, server: handler } of cluster.host.kubelets) kubelets.set(name, handler);
    await cluster.scheduler.settle(
      bootstrap({
        store: (descriptor) => server.store(descriptor),
        address: { ip: "172.18.0.2", port: 6443 },
      }),
    );
    return cluster;
  }

  private constructor(clock: VirtualClock, server: ApiServer, nodeCount: number) {
    this.clock = clock;
    this.scheduler = new SimulationScheduler(clock);
    this.server = server;
    const rng = seededRng("kubelet-cluster");
    const transportOf = (name: string) =>
      latencyTransport(directTransport(server), clock, rng.fork(`link/${name}`), { minMs: 0.2, maxMs: 2 });
    const clientOf = (name: string): RestClient =>
      new RestClient({ transport: transportOf(name), clock, userAgent: name });
    this.client = new RestClient({ transport: directTransport(server), clock, userAgent: "test" });
    const network = new VirtualNetwork({
      clock,
      rng: rng.fork("network"),
      uplink: { dial: () => Promise.reject(new ConnectionError("unreachable")), sendDatagram: () => {} },
    });
    this.host = new KubeletHost({
      nodes: numberedNodes(nodeCount),
      clientFor: clientOf,
      runtimeFor: (request) =>
        createRuntime({
          ...request,
          network,
          clock,
          rng: rng.fork(`runtime/${request.nodeName}`),
          logger: silentLogger,
        }),
      network,
      clock,
      rng: rng.fork("kubelets"),
      logger: silentLogger,
    });
    const controllers = new ControllerManager({
      transport: transportOf("controllers"),
      clock,
      rng: rng.fork("controllers"),
      logger: silentLogger,
      leaderElect: false,
    });
    this.#running = Promise.all([this.host.run(this.#stop.signal), controllers.run(this.#stop.signal)]);
  }

  until(condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
    return this.scheduler.runUntil(condition, limitMs);
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("test over"));
    await this.settle(this.#running.catch(() => {}));
    await this.settle(this.server.stop());
  }
}
