import type { Clock } from "../../machinery/api/clock.js";
import type { Transport } from "../../machinery/api/http.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { Rng } from "../../machinery/api/rng.js";
import type { Network } from "../../machinery/network/network.js";
import type { ContainerRuntime, PulledImage, Sandbox, SandboxConfig } from "../container-runtime.js";
import type { Image } from "../images/image.js";
import { images as emulatedImages } from "../images/images.js";
import { ImageStore } from "./image-store.js";
import { type AddressFaults, drawLatencyMs, IpPool, type IpReuse, type LatencyRange } from "./ip-pool.js";
import { hexId, RuntimeSandbox } from "./sandbox.js";

export interface RuntimeLatency {
  /** Of an image that is not on the node yet; later pulls take nothing. */
  pull: LatencyRange;
  start: LatencyRange;
  stop: LatencyRange;
  /** From the start of a container to the first instruction of what it came for: it runs, and does not listen yet. */
  boot: LatencyRange;
}

const DEFAULT_LATENCY: RuntimeLatency = {
  pull: { minMs: 5, maxMs: 20 },
  start: { minMs: 1, maxMs: 5 },
  stop: { minMs: 0, maxMs: 2 },
  boot: { minMs: 0, maxMs: 0 },
};
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

/** A host of the virtual network, as `VirtualNetwork.addHost` gives it. */
export interface PodNetwork extends Network {
  remove(how: "reset" | "vanish"): void;
}

export interface RuntimeOptions {
  nodeName: string;
  /** At most one of each family, the primary one first. */
  nodeIPs: readonly string[];
  /** A pod gets an address of each, in this order. */
  podCIDRs: readonly string[];
  network: { addHost(ips: readonly string[], options?: { takesOver?: boolean }): PodNetwork };
  /** The node's own host, for pods with hostNetwork. Default: `network.addHost(nodeIPs)` at the first of them. */
  nodeNetwork?: Network;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Default: all emulated images. */
  images?: readonly Image[];
  /** Default delayed. */
  ipReuse?: IpReuse;
  /** Who gives out the addresses of a pod range. */
  newIpPool?: (cidr: string, reuse: IpReuse, given?: readonly string[]) => IpPool;
  /** Addresses that were given out before this runtime started; `delayed` goes on after them. */
  usedIPs?: readonly string[];
  addressFaults?: AddressFaults;
  latency?: Partial<RuntimeLatency>;
  logLimitBytes?: number;
  /** The API server as the bearer of a ServiceAccount token, for pod `namespace/name`; without it programs have no API. */
  apiAccess?: (token: string, pod: string) => Transport;
}

/** What sandboxes need of their node. */
export interface RuntimeContext {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  images: ImageStore;
  latency: RuntimeLatency;
  logLimitBytes: number;
  apiAccess: ((token: string, pod: string) => Transport) | undefined;
}

export const createRuntime = (options: RuntimeOptions): ContainerRuntime => new NodeRuntime(options);

class NodeRuntime implements ContainerRuntime {
  readonly #options: RuntimeOptions;
  readonly #context: RuntimeContext;
  readonly #pools: readonly IpPool[];
  readonly #sandboxes = new Map<string, RuntimeSandbox>();
  readonly #latencyRng: Rng;
  /** What pods had that lost their sandbox while addresses are reused adversarially: they get another. */
  readonly #lostIPs = new Map<string, readonly string[]>();
  #nodeNetwork: Network | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { newIpPool = (...of) => new IpPool(...of), ipReuse = "delayed", usedIPs } = options;
    this.#pools = options.podCIDRs.map((cidr) => newIpPool(cidr, ipReuse, usedIPs));
    this.#latencyRng = options.rng.fork("latency");
    this.#nodeNetwork = options.nodeNetwork;
    this.#context = {
      clock: options.clock,
      rng: options.rng,
      logger: options.logger,
      images: new ImageStore(options.images ?? emulatedImages),
      latency: { ...DEFAULT_LATENCY, ...options.latency },
      logLimitBytes: options.logLimitBytes ?? LOG_LIMIT_BYTES,
      apiAccess: options.apiAccess,
    };
  }

  async runSandbox(config: SandboxConfig): Promise<Sandbox> {
    const running = this.#sandboxes.get(config.podUid);
    if (running?.isLive) return running;
    const sandbox = config.hostNetwork ? this.#onNode(config) : this.#withOwnAddress(config);
    this.#sandboxes.set(config.podUid, sandbox);
    return sandbox;
  }

  async pullImage(reference: string): Promise<PulledImage> {
    const before = this.#context.images.pulled.length;
    const { clock, images, latency } = this.#context;
    try {
      const image = images.pull(reference);
      if (images.pulled.length > before) await clock.sleep(drawLatencyMs(latency.pull, this.#latencyRng));
      return image;
    } catch (err) {
      await clock.sleep(drawLatencyMs(latency.pull, this.#latencyRng));
      throw err;
    }
  }

  images(): readonly PulledImage[] {
    return this.#context.images.pulled;
  }

  crash(): void {
    for (const sandbox of Array.from(this.#sandboxes.values())) sandbox.end("vanish");
  }

  #withOwnAddress(config: SandboxConfig): RuntimeSandbox {
    const { addressFaults } = this.#options;
    const copied = addressFaults?.copied(config.podUid);
    const ips = copied ?? this.#takeIPs(config.podUid);
    const network = this.#addHost(ips, copied !== undefined);
    const sandbox: RuntimeSandbox = new RuntimeSandbox({
      context: this.#context,
      config,
      network,
      release: (how) => {
        network.remove(how);
        if (!copied) this.#giveBack(ips);
        if (addressFaults?.reuse()) this.#lostIPs.set(config.podUid, ips);
        this.#forget(config.podUid, sandbox);
      },
    });
    return sandbox;
  }

  #addHost(ips: readonly string[], isCopy: boolean): PodNetwork {
    const takesOver = isCopy || this.#options.addressFaults?.copying() === true;
    try {
      return this.#options.network.addHost(ips, { takesOver });
    } catch (err) {
      if (!isCopy) this.#giveBack(ips);
      throw err;
    }
  }

  /** One of each family, or none. */
  #takeIPs(podUid: string): string[] {
    const { addressFaults } = this.#options;
    const lost = this.#lostIPs.get(podUid);
    this.#lostIPs.delete(podUid);
    const ips: string[] = [];
    try {
      for (const [i, pool] of this.#pools.entries()) {
        if (addressFaults?.exhausted()) throw pool.exhaustion();
        ips.push(pool.take({ reuse: addressFaults?.reuse(), not: lost?.[i] }));
      }
      return ips;
    } catch (err) {
      this.#giveBack(ips);
      throw cniFailure(this.#options.rng.fork(`failed/${podUid}`), err);
    }
  }

  #giveBack(ips: readonly string[]): void {
    const reuse = this.#options.addressFaults?.reuse();
    for (const [i, ip] of ips.entries()) this.#pools[i]?.giveBack(ip, reuse);
  }

  #onNode(config: SandboxConfig): RuntimeSandbox {
    this.#nodeNetwork ??= this.#options.network.addHost(this.#options.nodeIPs);
    const sandbox: RuntimeSandbox = new RuntimeSandbox({
      context: this.#context,
      config,
      network: this.#nodeNetwork,
      release: () => this.#forget(config.podUid, sandbox),
    });
    return sandbox;
  }

  #forget(podUid: string, sandbox: RuntimeSandbox): void {
    if (this.#sandboxes.get(podUid) === sandbox) this.#sandboxes.delete(podUid);
  }
}

/** As containerd tells the kubelet of a CNI plugin that failed. */
const cniFailure = (rng: Rng, err: unknown): Error =>
  new Error(
    `rpc error: code = Unknown desc = failed to setup network for sandbox "${hexId(rng)}": plugin type="ptp" failed (add): ${err instanceof Error ? err.message : String(err)}`,
  );
