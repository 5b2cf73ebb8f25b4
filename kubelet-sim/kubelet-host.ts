import { setMaxListeners } from "node:events";
import type { Clock } from "../machinery/api/clock.js";
import { type Node, nodes, type Pod, pods } from "../machinery/api/core-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import type { Rng } from "../machinery/api/rng.js";
import type { Informer } from "../machinery/client/informer.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { waitForServer } from "../machinery/client/wait-for-server.js";
import { SharedInformers } from "../machinery/client/shared-informers.js";
import type { PortLog } from "../machinery/network/port-log.js";
import type { VirtualNetwork } from "../machinery/network/virtual-network.js";
import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import { kubeletAdmin } from "./admin.js";
import { ConfigCache } from "./config-cache.js";
import type { ContainerRuntime } from "./container-runtime.js";
import { Kubelet, type RuntimeRequest, type ServeRequest } from "./kubelet.js";
import { OutsideDns } from "./node/outside-dns.js";
import { PodFaults } from "./pods/pod-faults.js";
import type { PodWorker } from "./pods/pod-worker.js";
import { ReadinessLog } from "./pods/readiness-log.js";
import { KUBELET_DEFAULTS, type KubeletConfig, type NodeConfig } from "./node/node-config.js";

export interface KubeletHostOptions {
  nodes: readonly NodeConfig[];
  /** Each node writes with its own identity. */
  clientFor: (nodeName: string) => RestClient;
  /** For the watches that all nodes of the process share. Default: the first node's. */
  client?: RestClient;
  runtimeFor: (request: RuntimeRequest) => ContainerRuntime;
  network: VirtualNetwork;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  config?: Partial<KubeletConfig>;
  /** Names outside of the cluster (`up --dns-upstream`), read anew when they are asked for. */
  outsideNames?: () => string;
  /** Offers each node's kubelet API on its network. Without it only `serverOf` reaches it. */
  serve?: (request: ServeRequest) => Promise<void>;
}

/** N nodes in one process. One watch for each resource serves them all; what they write, each writes as itself. */
export class KubeletHost {
  readonly #options: KubeletHostOptions;
  readonly #client: RestClient;
  readonly #informers: SharedInformers;
  readonly #kubelets = new Map<string, Kubelet>();
  readonly #pods: Informer<Pod>;
  /** Those who wait for a pod range, by node. */
  readonly #awaitingRange = new Map<string, (podCIDRs: readonly string[]) => void>();
  readonly readiness: ReadinessLog;
  readonly faults: PodFaults;
  #running = false;

  constructor(options: KubeletHostOptions) {
    this.#options = options;
    const { clock, rng, logger } = options;
    const [first] = options.nodes;
    const client = options.client ?? (first && options.clientFor(first.name));
    if (!client) throw new RangeError("without nodes, a kubelet process needs a client of its own");
    this.#client = client;
    this.readiness = new ReadinessLog(clock);
    this.faults = new PodFaults(clock);
    this.#informers = new SharedInformers({ client, clock, rng: rng.fork("informers"), logger });
    this.#pods = this.#informers.for(pods, { fieldSelector: "spec.nodeName!=" });
    this.#pods.addIndex("node", ({ spec }) => (spec.nodeName ? [spec.nodeName] : []));
    const configSource = new ConfigCache({
      client,
      informers: this.#informers,
      onChange: (key) => this.#configChanged(key),
    });
    for (const node of options.nodes) this.#kubelets.set(node.name, this.#newKubelet(node, configSource));
    this.#watchPods();
    this.#watchRanges();
  }

  /** What pods listen on. */
  get ports(): PortLog {
    return this.#options.network.ports;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    setMaxListeners(0, signal);
    await waitForServer(this.#client, this.#options.clock, signal).catch(() => {});
    const informing = this.#informers.run(signal);
    const { outsideNames, ...seams } = this.#options;
    const outside = new OutsideDns({ ...seams, ...(outsideNames ? { readNames: outsideNames } : {}) }).run(
      signal,
    );
    try {
      this.#running = true;
      await Promise.all([informing, ...[...this.#kubelets.values()].map((kubelet) => kubelet.run(signal))]);
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      this.#running = false;
      await Promise.all([informing, outside]);
    }
  }

  get isReady(): boolean {
    return this.#running && [...this.#kubelets.values()].every((kubelet) => kubelet.isReady);
  }

  get kubelets(): readonly Kubelet[] {
    return [...this.#kubelets.values()];
  }

  /** Throws RangeError for a node that this process does not run. */
  kubelet(node: string): Kubelet {
    const kubelet = this.#kubelets.get(node);
    if (!kubelet) throw new RangeError(`no node "${node}" in this process`);
    return kubelet;
  }

  /** Undefined for a pod that no node of this process has. */
  pod(uid: string): PodWorker | undefined {
    for (const { workers } of this.#kubelets.values()) {
      const worker = workers?.byUid(uid);
      if (worker) return worker;
    }
    return undefined;
  }

  crash(node: string): void {
    this.kubelet(node).crash();
  }

  restart(node: string): void {
    this.kubelet(node).restart();
  }

  setHeartbeats(node: string, enabled: boolean): void {
    this.kubelet(node).setHeartbeats(enabled);
  }

  adminHandlers(): AdminHandlers {
    return kubeletAdmin(this);
  }

  #newKubelet(node: NodeConfig, configSource: ConfigCache): Kubelet {
    const { clientFor, runtimeFor, network, clock, rng, logger, config, serve } = this.#options;
    return new Kubelet({
      node,
      config: { ...KUBELET_DEFAULTS, ...config },
      client: clientFor(node.name),
      runtimeFor,
      network,
      clock,
      rng: rng.fork(node.name),
      logger,
      configSource,
      readiness: this.readiness,
      faults: this.faults,
      synced: (signal) => this.#informers.waitForSync(signal),
      podCIDRs: (signal) => this.#podCIDRs(node.name, signal),
      podsOnNode: () => this.#pods.byIndex("node", node.name).map(mutable),
      ...(serve ? { serve } : {}),
    });
  }

  #watchPods(): void {
    const workersOf = (pod: DeepReadonly<Pod>) => this.#kubelets.get(pod.spec.nodeName ?? "")?.workers;
    this.#pods.onChange({
      added: (pod) => workersOf(pod)?.upsert(mutable(pod)),
      updated: (_, pod) => workersOf(pod)?.upsert(mutable(pod)),
      deleted: (pod) => workersOf(pod)?.removed(mutable(pod)),
    });
  }

  #watchRanges(): void {
    const look = (node: DeepReadonly<Node>): void => {
      const podCIDRs = podCIDRsOf(node);
      if (podCIDRs.length > 0) this.#awaitingRange.get(node.metadata.name)?.(podCIDRs);
    };
    this.#informers.for(nodes).onChange({ added: look, updated: (_, node) => look(node) });
  }

  #podCIDRs(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const node = this.#informers.for(nodes).get(name);
    const known = node ? podCIDRsOf(node) : [];
    if (known.length > 0) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#awaitingRange.set(name, (podCIDRs) => {
        this.#awaitingRange.delete(name);
        signal.removeEventListener("abort", onAbort);
        resolve(podCIDRs);
      });
    });
  }

  #configChanged(key: string): void {
    for (const kubelet of this.#kubelets.values()) kubelet.workers?.configChanged(key);
  }
}

const podCIDRsOf = ({ spec }: DeepReadonly<Node>): readonly string[] =>
  spec.podCIDRs?.length ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : [];

/** The cache's objects are only read here too; the API types are those of objects that may be changed. */
const mutable = (pod: DeepReadonly<Pod>): Pod => pod as Pod;
