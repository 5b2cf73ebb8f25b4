import type { Transport } from "../../machinery/api/http.js";
import type { Network } from "../../machinery/network/network.js";
import type { Container, ContainerConfig, Sandbox, SandboxConfig } from "../container-runtime.js";
import { ContainerFiles } from "./container-files.js";
import { RuntimeContainer } from "./container.js";
import type { FileTree } from "./file-tree.js";
import type { RuntimeContext } from "./runtime.js";
import { newSandboxTree } from "./sandbox-files.js";
import { ServiceAccountApi } from "./service-account-api.js";

export interface SandboxParts {
  context: RuntimeContext;
  config: SandboxConfig;
  network: Network;
  /** Gives the network and its address back. */
  release: (how: "reset" | "vanish") => void;
}

/** A pod's network and the containers in it. */
export class RuntimeSandbox implements Sandbox {
  readonly id: string;
  readonly networkNamespace: string;
  readonly network: Network;
  readonly #parts: SandboxParts;
  readonly #tree: FileTree;
  readonly #containers = new Set<RuntimeContainer>();
  #containerCount = 0;
  #removed = false;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.network = parts.network;
    const { clock, rng } = parts.context;
    const own = rng.fork(`${parts.config.podUid}/sandbox/${parts.network.ip}`);
    this.id = hexId(own);
    this.networkNamespace = parts.config.hostNetwork ? "host" : `/var/run/netns/cni-${own.uuid()}`;
    this.#tree = newSandboxTree(parts.config, parts.network.ips, clock.nowMs());
  }

  get ip(): string {
    return this.network.ip;
  }

  get ips(): readonly string[] {
    return this.network.ips;
  }

  get isLive(): boolean {
    return !this.#removed;
  }

  createContainer(config: ContainerConfig): Container {
    if (this.#removed) throw new Error("sandbox was removed");
    const { context, config: pod } = this.#parts;
    const { clock, logger } = context;
    const { image, tag, tree } = context.images.open(config.image);
    const files = new ContainerFiles([this.#tree, tree], config.mounts, () => clock.nowMs());
    const path = `${pod.podUid}/${this.#containerCount++}`;
    const rng = context.rng.fork(path);
    const container = new RuntimeContainer({
      id: `containerd://${hexId(rng)}`,
      config,
      image,
      tag,
      machine: {
        hostname: pod.hostname,
        files,
        network: this.network,
        clock,
        rng,
        logger: logger.child({ namespace: pod.namespace, pod: pod.name, container: config.name }),
        programs: image.programs,
        api: (signal) => this.#api(files, signal),
      },
      clock,
      rng: () => rng,
      latency: context.latency,
      logLimitBytes: context.logLimitBytes,
    });
    this.#containers.add(container);
    container.exited.then(
      () => this.#containers.delete(container),
      () => {},
    );
    return container;
  }

  async remove(): Promise<void> {
    this.end("reset");
  }

  end(how: "reset" | "vanish"): void {
    if (this.#removed) return;
    this.#removed = true;
    // A crashed node sends nothing more, so its network goes before its programs do.
    if (how === "vanish") this.#parts.release(how);
    for (const container of this.#containers) container.kill();
    if (how === "reset") this.#parts.release(how);
  }

  #api(files: ContainerFiles, signal: AbortSignal): Transport | undefined {
    const { apiAccess } = this.#parts.context;
    const { namespace, name } = this.#parts.config;
    if (!apiAccess || !ServiceAccountApi.isMounted(files)) return undefined;
    return new ServiceAccountApi(files, (token) => apiAccess(token, `${namespace}/${name}`), signal);
  }
}

/** 64 hex digits. */
export const hexId = (rng: RuntimeContext["rng"]): string =>
  Array.from({ length: 8 }, () => rng.int(0, 0xffffffff).toString(16).padStart(8, "0")).join("");
