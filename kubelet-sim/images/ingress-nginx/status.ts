import { type Node, nodes, type Pod, pods, type Service, services } from "../../../machinery/api/core-v1.js";
import type { IngressLoadBalancerIngress } from "../../../machinery/api/networking-v1.js";
import { isIp } from "../../../machinery/network/addresses.js";
import type { Informer } from "../../../machinery/client/informer.js";
import { LeaderElection } from "../../../machinery/client/leader-election.js";
import type { RestClient } from "../../../machinery/client/rest-client.js";
import type { SharedInformers } from "../../../machinery/client/shared-informers.js";
import type { IngressController } from "../../../machinery/ingress/ingress-controller.js";
import { addressesOfService, StatusWriter } from "../../../machinery/ingress/ingress-status.js";
import type { Process } from "../process.js";
import type { IngressFlags } from "./flags.js";

export interface StatusUpdatesOptions {
  process: Process;
  flags: IngressFlags;
  namespace: string;
  client: RestClient;
  informers: SharedInformers;
  controller: IngressController;
  log: (level: "I" | "W" | "E", source: string, text: string) => void;
}

/** Several replicas, one writer of status: whoever holds the Lease `--election-id`. */
export class StatusUpdates {
  readonly #options: StatusUpdatesOptions;
  readonly #writer: StatusWriter;
  readonly #election: LeaderElection;
  readonly #stop = new AbortController();
  readonly #published: Informer<Service> | undefined;
  readonly #siblings: Informer<Pod>;
  readonly #nodes: Informer<Node> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: StatusUpdatesOptions) {
    this.#options = options;
    const { process, flags, namespace, client, informers, controller, log } = options;
    const { clock, rng, logger } = process;
    this.#writer = new StatusWriter({
      client,
      clock,
      served: () => controller.served(),
      addresses: () => this.#addresses(),
      log,
    });
    this.#election = new LeaderElection({
      client,
      clock,
      rng: rng.fork("election"),
      logger,
      namespace,
      name: flags.electionId,
      identity: process.hostname,
      leaseDurationMs: 30_000,
      renewDeadlineMs: 15_000,
      retryPeriodMs: 7_500,
    });
    this.#siblings = informers.for<Pod>(pods, { namespace });
    const onChange = (): void => this.changed();
    const handlers = { added: onChange, updated: onChange, deleted: onChange };
    this.#siblings.onChange(handlers);
    const { publishService, publishStatusAddress } = flags;
    if (publishStatusAddress !== undefined) return;
    if (publishService === undefined) {
      this.#nodes = informers.for<Node>(nodes);
      return;
    }
    this.#published = informers.for<Service>(services, { namespace: publishService.split("/")[0] ?? "" });
    this.#published.onChange(handlers);
  }

  changed(): void {
    this.#writer.changed();
  }

  start(): void {
    const { process, flags, namespace, log } = this.#options;
    if (!flags.updateStatus) return;
    log(
      "I",
      "leaderelection.go:257",
      `attempting to acquire leader lease ${namespace}/${flags.electionId}...`,
    );
    process.background(async () => {
      this.#running = this.#lead();
      await this.#running;
    });
  }

  /** Gives the lease back; the last replica takes its addresses with it. */
  async stop(): Promise<void> {
    const { flags, controller, process, log } = this.#options;
    const wasLeading = this.#election.leading;
    this.#stop.abort(new Error("shutting down"));
    await this.#running;
    if (!wasLeading || !flags.updateStatusOnShutdown || this.#runningSiblings().length > 1) return;
    log("I", "status.go:135", '"removing value from ingress status" address=[]');
    if (controller.served().length > 0) await this.#writer.sync([], process.signal);
  }

  async #lead(): Promise<void> {
    const { process, namespace, flags, log } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, process.signal]);
    while (!signal.aborted) {
      await this.#election.run(signal, async (leading) => {
        log("I", "leaderelection.go:271", `successfully acquired lease ${namespace}/${flags.electionId}`);
        log("I", "status.go:84", '"New leader elected" identity=' + JSON.stringify(process.hostname));
        await this.#writer.run(leading);
      });
    }
  }

  #addresses(): IngressLoadBalancerIngress[] {
    const { publishStatusAddress, publishService } = this.#options.flags;
    if (publishStatusAddress !== undefined) {
      return publishStatusAddress
        .split(",")
        .map((text) => text.trim())
        .map((text) => (isIp(text) ? { ip: text } : { hostname: text }));
    }
    if (publishService !== undefined) return addressesOfService(this.#published?.get(publishService));
    const names = new Set(this.#runningSiblings().map(({ spec }) => spec.nodeName));
    const ips = (this.#nodes?.list() ?? [])
      .filter(({ metadata }) => names.has(metadata.name))
      .map(({ status }) => status.addresses?.find(({ type }) => type === "InternalIP")?.address);
    return ips
      .filter((ip) => ip !== undefined)
      .sort()
      .map((ip) => ({ ip }));
  }

  /** Running pods with the labels of one's own, itself among them. */
  #runningSiblings() {
    const own = this.#siblings.get(`${this.#options.namespace}/${this.#options.process.hostname}`);
    const labels = Object.entries(own?.metadata.labels ?? {}).filter(([name]) => !IGNORED_LABELS.has(name));
    return this.#siblings
      .list()
      .filter(
        ({ metadata, status }) =>
          status.phase === "Running" && labels.every(([name, value]) => metadata.labels?.[name] === value),
      );
  }
}

/** They differ between the replicas of two revisions. */
const IGNORED_LABELS = new Set(["pod-template-hash", "controller-revision-hash", "pod-template-generation"]);
