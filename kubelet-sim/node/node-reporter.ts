import type { Clock } from "../../machinery/api/clock.js";
import { type Node, nodes } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import { isAlreadyExists } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { HOST_PORTS_ANNOTATION } from "../../machinery/network/host-ports.js";
import type { PulledImage } from "../container-runtime.js";
import type { KubeletConfig, NodeConfig } from "./node-config.js";
import { nodeAnnotations, nodeLabels, nodeStatus, sameNodeStatus } from "./node-object.js";

export interface NodeReporterOptions {
  node: NodeConfig;
  config: KubeletConfig;
  client: RestClient;
  clock: Clock;
  logger: Logger;
  bootId: string;
  machineId: string;
  images: () => readonly PulledImage[];
  /** False while a fault stops the heartbeats. */
  enabled: () => boolean;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 7_000;

// Upstream: pkg/kubelet/kubelet_node_status.go.
/** Registers one node and keeps its status reported: on every change, and every five minutes. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  #networkReady = false;
  #reported: Node["status"] | undefined;
  #reportedAtMs = 0;
  #uid: string | undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  get uid(): string | undefined {
    return this.#uid;
  }

  /** Creates the Node, or takes over the one that is there. Repeats until the server has answered. */
  async register(signal: AbortSignal): Promise<void> {
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await this.#tryRegister(signal);
      } catch (err) {
        signal.throwIfAborted();
        this.#options.logger.debug("Could not register the node", { err });
      }
      await this.#options.clock.sleep(delayMs, signal);
    }
  }

  /** From now on the node is Ready. Resolves once that is stored. */
  async becomeReady(signal: AbortSignal): Promise<void> {
    this.#networkReady = true;
    for (let delayMs = FIRST_RETRY_MS; !(await this.#report(signal)); delayMs *= 2)
      await this.#options.clock.sleep(Math.min(delayMs, LONGEST_RETRY_MS), signal);
  }

  /** The periodic look. Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config, enabled } = this.#options;
    try {
      for (;;) {
        await clock.sleep(config.nodeStatusUpdateMs, signal);
        if (enabled() && this.#isDue()) await this.#report(signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  async #tryRegister(signal: AbortSignal): Promise<void> {
    const { node, config, client } = this.#options;
    const metadata = { name: node.name, labels: nodeLabels(node), annotations: nodeAnnotations(config) };
    const status = this.#status();
    try {
      const taints = node.taints && node.taints.length > 0 ? { taints: [...node.taints] } : {};
      const created = await client.create(nodes, { metadata, spec: taints, status }, { signal });
      this.#remember(created);
      // A server may ignore the status of a new object; then the next report brings it.
      if (!created.status?.addresses) await this.#report(signal);
      return;
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
    }
    // No sandbox is there yet.
    const annotations = { ...metadata.annotations, [HOST_PORTS_ANNOTATION]: null };
    const body = { metadata: { labels: metadata.labels, annotations } };
    const existing = await client.patch(nodes, { name: node.name }, { type: "strategic", body }, { signal });
    this.#remember(existing);
    // A node that was there before is not called NotReady just because its kubelet starts anew.
    if (!existing.spec.podCIDR) await this.#report(signal);
  }

  #remember(node: Node): void {
    this.#uid = node.metadata.uid;
    this.#reported = node.status;
    this.#reportedAtMs = this.#options.clock.monotonicMs();
  }

  #isDue(): boolean {
    if (!this.#reported || !sameNodeStatus(this.#status(), this.#reported)) return true;
    return this.#options.clock.monotonicMs() - this.#reportedAtMs >= this.#options.config.nodeStatusReportMs;
  }

  /** False when it could not be stored. */
  async #report(signal: AbortSignal): Promise<boolean> {
    const { client, clock, node, logger } = this.#options;
    const status = this.#status();
    try {
      const body = { metadata: this.#uid ? { uid: this.#uid } : {}, status: replacingAddresses(status) };
      await client.patch(
        nodes,
        { name: node.name },
        { type: "strategic", body },
        { subresource: "status", signal },
      );
      this.#reported = status;
      this.#reportedAtMs = clock.monotonicMs();
      return true;
    } catch (err) {
      signal.throwIfAborted();
      logger.debug("Could not report the node status", { err });
      return false;
    }
  }

  #status(): Node["status"] {
    const { node, config, clock, bootId, machineId, images } = this.#options;
    return nodeStatus({
      node,
      config,
      bootId,
      machineId,
      nowMs: clock.nowMs(),
      networkReady: this.#networkReady,
      images: images(),
      previous: this.#reported?.conditions ?? [],
    });
  }
}

/** Two InternalIPs are one by the list's merge key, which is the type (KEP-563; upstream nodeutil PatchNodeStatus). */
const replacingAddresses = (status: Node["status"]): object => ({
  ...status,
  addresses: [{ $patch: "replace" }, ...(status.addresses ?? [])],
});
