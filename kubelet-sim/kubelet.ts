import { setMaxListeners } from "node:events";
import type { Clock } from "../machinery/api/clock.js";
import type { Node, Pod } from "../machinery/api/core-v1.js";
import type { HttpHandler } from "../machinery/api/http.js";
import type { Logger } from "../machinery/api/logger.js";
import type { Rng } from "../machinery/api/rng.js";
import { EventRecorder } from "../machinery/client/event-recorder.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { familyOf } from "../machinery/network/addresses.js";
import type { HostNetwork } from "../machinery/network/host-network.js";
import type { VirtualNetwork } from "../machinery/network/virtual-network.js";
import type { ContainerRuntime } from "./container-runtime.js";
import { HostPorts } from "./node/host-ports.js";
import { type KubeletConfig, type NodeConfig, nodeIPs } from "./node/node-config.js";
import { NodeLease } from "./node/node-lease.js";
import { capacityOf } from "./node/node-object.js";
import { NodeReporter } from "./node/node-reporter.js";
import { NodeShell } from "./node/node-shell.js";
import { PodDialer } from "./node/pod-dialer.js";
import { BackOff } from "./pods/back-off.js";
import type { ConfigSource } from "./pods/env.js";
import { ImagePuller } from "./pods/image-puller.js";
import type { NodeContext } from "./pods/node-context.js";
import type { PodFaults } from "./pods/pod-faults.js";
import { PodWorkers } from "./pods/pod-workers.js";
import { StatusManager } from "./pods/status-manager.js";
import type { ReadinessLog } from "./pods/readiness-log.js";
import type { AddressFaults } from "./runtime/ip-pool.js";
import { KubeletServer } from "./server/kubelet-server.js";
import { ServiceAccountTokens } from "./volumes/service-account-tokens.js";

export interface RuntimeRequest {
  nodeName: string;
  nodeIPs: readonly string[];
  podCIDRs: readonly string[];
  nodeNetwork: HostNetwork;
  /** Addresses that pods of this node had before it started: not the first to be given out again. */
  usedIPs: readonly string[];
  addressFaults: AddressFaults;
}

export interface KubeletOptions {
  node: NodeConfig;
  config: KubeletConfig;
  client: RestClient;
  runtimeFor: (request: RuntimeRequest) => ContainerRuntime;
  network: VirtualNetwork;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  configSource: ConfigSource;
  readiness: ReadinessLog;
  faults: PodFaults;
  /** Resolves once everything that pods are made from is known. */
  synced: (signal: AbortSignal) => Promise<void>;
  /** Resolves with the node's pod ranges once a controller has given it some. */
  podCIDRs: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Pods bound to this node, as far as known. */
  podsOnNode: () => readonly Pod[];
  /** Offers the kubelet's API at the node's address; stops at the signal. */
  serve?: (request: ServeRequest) => Promise<void>;
}

export interface ServeRequest {
  nodeName: string;
  network: HostNetwork;
  port: number;
  handler: HttpHandler;
  signal: AbortSignal;
}

/** Everything that a crash takes away. */
interface Boot {
  controller: AbortController;
  workers: PodWorkers;
  runtime: ContainerRuntime;
  shell: NodeShell;
}

/** One node: registration, heartbeats, and its pods. Can crash and be started again. */
export class Kubelet {
  readonly server: KubeletServer;
  readonly #options: KubeletOptions;
  readonly #logger: Logger;
  #boot: Boot | undefined;
  #bootCount = 0;
  #power: "on" | "off" = "on";
  #powerChanged: (() => void) | undefined;
  #crash: (() => void) | undefined;
  #heartbeats = true;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ node: options.node.name });
    this.server = new KubeletServer({
      clock: options.clock,
      pods: () => this.#boot?.workers,
    });
  }

  get name(): string {
    return this.#options.node.name;
  }

  get isReady(): boolean {
    return this.#boot !== undefined || this.#power === "off";
  }

  /** Undefined while the node is down or still starting. */
  get workers(): PodWorkers | undefined {
    return this.#boot?.workers;
  }

  /** Programs in the node's own network. Undefined while the node is down or still starting. */
  get shell(): NodeShell | undefined {
    return this.#boot?.shell;
  }

  /** Ends everything on the node at once: no signals, no last words to the API server. */
  crash(): void {
    this.#power = "off";
    this.#crash?.();
  }

  /** Starts a crashed node again. */
  restart(): void {
    this.#power = "on";
    this.#powerChanged?.();
  }

  /** Stops or resumes lease and status reports; pods go on. */
  setHeartbeats(enabled: boolean): void {
    this.#heartbeats = enabled;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#power === "off") await this.#untilPowered(signal);
      else await this.#runBoot(signal);
    }
  }

  #untilPowered(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#powerChanged = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** From power on to crash, or to the end of the process. */
  async #runBoot(signal: AbortSignal): Promise<void> {
    const controller = new AbortController();
    const stopped = AbortSignal.any([signal, controller.signal]);
    // Every pod and every pending wait of the node listens to it.
    setMaxListeners(0, stopped);
    const network = this.#options.network.addHost(nodeIPs(this.#options.node), { hasNodePorts: true });
    this.#crash = () => {
      controller.abort(new Error("the node crashed"));
      this.#boot?.runtime.crash();
      network.remove("vanish");
      this.#boot = undefined;
    };
    try {
      await this.#start(network, controller, stopped);
    } catch (err) {
      if (!stopped.aborted) throw err;
    } finally {
      this.#crash = undefined;
      controller.abort(new Error("the kubelet stopped"));
      this.#boot?.runtime.crash();
      this.#boot = undefined;
      network.remove("reset");
    }
  }

  async #start(network: HostNetwork, controller: AbortController, stopped: AbortSignal): Promise<void> {
    const { node, config, client, clock, podCIDRs, serve } = this.#options;
    const boot = ++this.#bootCount;
    const rng = this.#options.rng.fork(`boot-${boot}`);
    const recorder = this.#recorder(rng);
    const reporter = this.#reporter(rng);
    const loops = [recorder.run(stopped)];
    this.#nodeEvent(recorder, "Starting", "Starting kubelet.");
    await reporter.register(stopped);
    const lease = new NodeLease({
      nodeName: node.name,
      client,
      clock,
      rng: rng.fork("lease"),
      logger: this.#logger,
      durationSeconds: config.leaseDurationSeconds,
      nodeUid: () => reporter.uid,
      enabled: () => this.#heartbeats,
    });
    loops.push(lease.run(stopped), reporter.run(stopped));
    const ranges = await podCIDRs(stopped);
    await this.#options.synced(stopped);
    const runtime = this.#options.runtimeFor({
      nodeName: node.name,
      nodeIPs: nodeIPs(node),
      podCIDRs: primaryFamilyFirst(ranges, node.ip),
      nodeNetwork: network,
      usedIPs: this.#options.podsOnNode().flatMap(podIPsOf),
      addressFaults: this.#options.faults.addressesOf(node.name),
    });
    const hostPorts = new HostPorts({ nodeName: node.name, client, clock, logger: this.#logger });
    loops.push(hostPorts.run(stopped));
    const workers = new PodWorkers(this.#context({ network, runtime, recorder, hostPorts, rng, stopped }));
    const shell = new NodeShell({ runtime, nodeName: node.name, nameservers: config.nodeNameservers });
    this.#boot = { controller, workers, runtime, shell };
    if (serve)
      await serve({
        nodeName: node.name,
        network,
        port: config.kubeletPort,
        handler: this.server,
        signal: stopped,
      });
    await reporter.becomeReady(stopped);
    this.#nodeEvent(recorder, "NodeReady", `Node ${node.name} status is now: NodeReady`);
    for (const pod of this.#options.podsOnNode()) workers.upsert(pod);
    loops.push(workers.run(stopped));
    await Promise.all(loops);
  }

  #recorder(rng: Rng): EventRecorder {
    const { client, clock, node } = this.#options;
    return new EventRecorder({
      client,
      clock,
      rng: rng.fork("events"),
      logger: this.#logger,
      component: "kubelet",
      host: node.name,
    });
  }

  #reporter(rng: Rng): NodeReporter {
    const { node, config, client, clock } = this.#options;
    return new NodeReporter({
      node,
      config,
      client,
      clock,
      logger: this.#logger,
      bootId: rng.fork("boot-id").uuid(),
      machineId: this.#options.rng.fork("machine-id").uuid().replaceAll("-", ""),
      images: () => this.#boot?.runtime.images() ?? [],
      enabled: () => this.#heartbeats,
    });
  }

  #nodeEvent(recorder: EventRecorder, reason: string, message: string): void {
    const { name } = this.#options.node;
    // The kubelet has always used the node's name as its uid in events.
    const metadata = { name, uid: name } as Node["metadata"];
    recorder.event({ apiVersion: "v1", kind: "Node", metadata }, "Normal", reason, message);
  }

  #context(parts: {
    network: HostNetwork;
    runtime: ContainerRuntime;
    recorder: EventRecorder;
    hostPorts: HostPorts;
    rng: Rng;
    stopped: AbortSignal;
  }): NodeContext {
    const { node, config, client, clock, configSource, readiness, faults } = this.#options;
    const { network, runtime, recorder, hostPorts, rng, stopped } = parts;
    const tokens = new ServiceAccountTokens({ client, clock });
    return {
      nodeName: node.name,
      hostIPs: nodeIPs(node),
      clock,
      rng,
      logger: this.#logger,
      runtime,
      network,
      toPods: new PodDialer({
        nodeIPs: nodeIPs(node),
        network: this.#options.network,
        clock,
        rng: rng.fork("pod-dialer"),
      }),
      config: configSource,
      puller: new ImagePuller({
        runtime,
        clock,
        unreachable: (reference) => faults.pullFailure(node.name, reference),
      }),
      statuses: new StatusManager({
        client,
        clock,
        logger: this.#logger,
        signal: stopped,
      }),
      crashBackOff: new BackOff(),
      hostPorts,
      hostPaths: new Map(),
      dns: {
        clusterDns: config.clusterDns,
        clusterDomain: config.clusterDomain,
        nodeNameservers: config.nodeNameservers,
      },
      allocatable: capacityOf(node),
      readiness,
      tokens,
      faults,
      stopped,
      event: (pod, type, reason, message, container) =>
        recorder.event(
          pod,
          type,
          reason,
          message,
          container ? { fieldPath: fieldPathOf(pod, container) } : {},
        ),
    };
  }
}

/** A pod's primary address is of the node's primary family (kubelet, sortPodIPs). */
const primaryFamilyFirst = (cidrs: readonly string[], nodeIP: string): string[] =>
  [...cidrs].sort(
    (a, b) => Number(familyOf(b) === familyOf(nodeIP)) - Number(familyOf(a) === familyOf(nodeIP)),
  );

const podIPsOf = ({ status }: Pod): string[] =>
  status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : []);

/** `spec.containers{web}`, `spec.initContainers{setup}`. */
function fieldPathOf({ spec }: Pod, container: string): string {
  const lists = ["initContainers", "ephemeralContainers"] as const;
  const list = lists.find((field) => spec[field]?.some(({ name }) => name === container));
  return `spec.${list ?? "containers"}{${container}}`;
}
