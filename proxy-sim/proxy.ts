import type { Clock } from "../machinery/api/clock.js";
import {
  nodes as nodeResource,
  type Service,
  services as serviceResource,
} from "../machinery/api/core-v1.js";
import { endpointSlices } from "../machinery/api/discovery-v1.js";
import type { Logger } from "../machinery/api/logger.js";
import { objectKey } from "../machinery/api/resource.js";
import type { Rng } from "../machinery/api/rng.js";
import { EventRecorder } from "../machinery/client/event-recorder.js";
import type { Informer } from "../machinery/client/informer.js";
import type { RestClient } from "../machinery/client/rest-client.js";
import { SharedInformers } from "../machinery/client/shared-informers.js";
import type { AdminHandlers } from "../machinery/runtime/admin-server.js";
import { proxyHandlers } from "./admin.js";
import { ChangeLog } from "./change-log.js";
import { type Change, serviceOfSlice } from "./cluster-view.js";
import { Cursors, type NodeFault } from "./cursors.js";
import type { DataPlaneApi, HostPort } from "./dataplane/table.js";
import { type ModeStore, Modes } from "./modes.js";
import { NodeWatches } from "./node-watches.js";
import { NodeTracker } from "./node-tracker.js";
import { HealthServer } from "./health/health-server.js";
import { HealthCheckPorts, healthSourceOf } from "./health/proxy-health-source.js";
import { ProxyMetrics } from "./proxy-metrics.js";
import type { ReadonlyService, ReadonlySlice } from "./rules.js";
import { type PlannedSync, planFullSync, planPartialSync } from "./transaction.js";
import { Timeline } from "./timeline.js";
import { ViewLog } from "./view-log.js";
import { Wakeup } from "./wakeup.js";

export interface ProxyConfig {
  /** Least time between two syncs; a single change after a quiet time goes out at once. */
  minSyncPeriodMs: number;
  /** At the latest so long after everything was sent, it is sent again (upstream: FullSyncPeriod). */
  syncPeriodMs: number;
  /** A balancer's name: iptables, ipvs-rr. Every node starts with it. */
  mode: string;
  /** Up to so many nodes each has watches of its own; with more, one stream is shared by all. */
  watchedNodes: number;
}

export const defaultProxyConfig: ProxyConfig = {
  minSyncPeriodMs: 20,
  syncPeriodMs: 3_600_000,
  mode: "iptables",
  watchedNodes: 0,
};

const RETRY_MS = 100;
/** What kube-proxy asks for: Services that are not headless and have no proxy of their own. */
const SELECTOR = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

export interface ProxyOptions {
  client: RestClient;
  dataPlane: DataPlaneApi;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  config?: Partial<ProxyConfig>;
  /** Where modes outlast the process. */
  modeStore?: ModeStore;
  /** The client of one node's own watches. Default: `client`. */
  clientFor?: (node: string) => RestClient;
  /** Where this process takes connections to the nodes' health ports, for `health`. */
  carrier?: string;
}

/** kube-proxy for every node: watches Services, EndpointSlices and Nodes, and keeps the data plane's tables. */
export class Proxy {
  readonly metrics = new ProxyMetrics();
  readonly timeline = new Timeline();
  /** What the tables of each revision were made from. */
  readonly views = new ViewLog();
  readonly nodes = new NodeTracker();
  readonly modes: Modes;
  /** The ports on which each node's kube-proxy listens. */
  readonly health: HealthServer;
  readonly #healthChecks = new HealthCheckPorts();
  readonly #log = new ChangeLog(0);
  readonly cursors = new Cursors(this.#log);
  readonly #options: ProxyOptions;
  readonly #config: ProxyConfig;
  readonly #informers: SharedInformers;
  readonly #services: Informer<Service>;
  readonly #recorder: EventRecorder;
  readonly #wakeup = new Wakeup();
  readonly #watches: NodeWatches;
  readonly #reportedPorts = new Set<string>();
  #bootId: string | undefined;
  /** Added to revisions of the log, so that tables of an earlier proxy have smaller ones. */
  #offset: number | undefined;
  #fullSyncNeeded = true;
  #lastSyncMs = Number.NEGATIVE_INFINITY;
  /** Wall time of the last sync that was taken, and of the last full one. */
  #updatedMs = 0;
  #fullMs = 0;
  #synced = false;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#config = { ...defaultProxyConfig, ...options.config };
    this.modes = new Modes(this.#config.mode, options.modeStore);
    this.health = new HealthServer(healthSourceOf(this, this.#healthChecks));
    this.#informers = new SharedInformers({
      ...options,
      rng: options.rng.fork("informers"),
    });
    this.#recorder = new EventRecorder({
      ...options,
      rng: options.rng.fork("events"),
      component: "kube-proxy",
    });
    this.#watches = new NodeWatches({
      ...options,
      clientFor: options.clientFor ?? (() => options.client),
      selection: { labelSelector: SELECTOR },
      rng: options.rng.fork("watches"),
      onReady: (node, hasHeard) => {
        if (this.nodes.has(node)) this.cursors.gate(node, hasHeard);
      },
      onProgress: () => this.#wakeup.ring(),
    });
    this.#services = this.#informers.for(serviceResource, { labelSelector: SELECTOR });
    this.#watch();
  }

  /** Resolves when the signal has aborted and every loop has ended. Tables stay. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wakeup.ring(), { once: true });
    await Promise.all([
      this.#informers.run(signal),
      this.#recorder.run(signal),
      this.#watchDataPlane(signal),
      this.#syncLoop(signal),
    ]);
    await this.#watches.close();
  }

  /** Whether the tables were synced at least once since the start. */
  get ready(): boolean {
    return this.#synced;
  }

  /** When tables were last written. */
  get lastUpdatedMs(): number {
    return this.#updatedMs;
  }

  /** How many changes the node's table lacks, and how long the first of them has been known here. */
  lagOf(node: string): { behind: number; behindMs?: number } {
    const revision = this.cursors.revisionOf(node);
    const [first] = this.#log.after(revision) ?? [];
    const behind = this.#log.head - revision;
    return first ? { behind, behindMs: this.clock.nowMs() - first.receivedMs } : { behind };
  }

  /** The revision by which the data plane knows this state of the change log. */
  tableRevision(logRevision: number): number {
    return (this.#offset ?? 0) + logRevision;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** From now on this node hears of changes late, or not at all. Throws RangeError for an unknown node. */
  faultCursor({ node, ...fault }: NodeFault): void {
    if (!this.nodes.has(node)) throw new RangeError(`node "${node}" not found`);
    this.cursors.fault(node, fault);
    this.#wakeup.ring();
  }

  /** A node without a fault is healed already. */
  healCursor(node: string): void {
    this.cursors.heal(node);
    this.#wakeup.ring();
  }

  /** From now on this node's proxy, or everyone's, works in that mode. Throws RangeError for an unknown node or mode. */
  switchMode(mode: string, node?: string): void {
    if (node !== undefined && !this.nodes.has(node)) throw new RangeError(`node "${node}" not found`);
    const before = node === undefined ? this.modes.part.balancer : this.modes.of(node);
    this.modes.set(mode, node);
    const to = node === undefined ? this.modes.part.balancer : this.modes.of(node);
    this.#options.logger.info("Switched proxy mode; the rules of the one before are cleaned up", {
      node: node ?? "*",
      from: before,
      to,
    });
    this.#wakeup.ring();
  }

  /** From now on two syncs are so far apart at least; answers what it was. */
  useMinSyncPeriod(periodMs: number): number {
    const before = this.#config.minSyncPeriodMs;
    this.#config.minSyncPeriodMs = periodMs;
    return before;
  }

  adminHandlers(): AdminHandlers {
    return proxyHandlers(this);
  }

  #watch(): void {
    this.#services.onChange({
      added: (service) => this.#serviceChanged(service),
      updated: (_, service) => this.#serviceChanged(service),
      deleted: (service) => {
        this.#healthChecks.set(objectKey(service));
        const { resourceVersion } = service.metadata;
        this.#append({ kind: "service", key: objectKey(service) }, { resourceVersion });
      },
    });
    this.#informers.for(endpointSlices, { labelSelector: SELECTOR }).onChange({
      added: (slice) => this.#sliceChanged(slice),
      updated: (old, slice) => {
        if (serviceOfSlice(old) !== serviceOfSlice(slice)) this.#sliceGone(old);
        this.#sliceChanged(slice, old);
      },
      deleted: (slice) => this.#sliceGone(slice),
    });
    const changed = (moved: boolean): void => {
      if (moved) this.#wakeup.ring();
    };
    this.#informers.for(nodeResource).onChange({
      added: (node) => changed(this.nodes.set(node)),
      updated: (_, node) => changed(this.nodes.set(node)),
      deleted: ({ metadata }) => {
        this.cursors.forget(metadata.name);
        this.modes.forget(metadata.name);
        changed(this.nodes.remove(metadata.name));
      },
    });
  }

  #serviceChanged(service: ReadonlyService): void {
    this.#healthChecks.set(objectKey(service), service);
    this.#append({ kind: "service", key: objectKey(service), object: service });
  }

  #sliceChanged(slice: ReadonlySlice, previous?: ReadonlySlice): void {
    const service = serviceOfSlice(slice);
    if (service) this.#append({ kind: "slice", key: objectKey(slice), service, object: slice }, { previous });
  }

  #sliceGone(slice: ReadonlySlice): void {
    const service = serviceOfSlice(slice);
    const { resourceVersion } = slice.metadata;
    if (service)
      this.#append({ kind: "slice", key: objectKey(slice), service }, { previous: slice, resourceVersion });
  }

  #append(
    change: Change,
    { previous, resourceVersion }: { previous?: ReadonlySlice | undefined; resourceVersion?: string } = {},
  ): void {
    const nowMs = this.#options.clock.nowMs();
    this.timeline.add(this.#log.append(change, nowMs, resourceVersion), previous);
    this.metrics.queued(change.kind, nowMs, this.nodes.families);
    this.#wakeup.ring();
  }

  async #watchDataPlane(signal: AbortSignal): Promise<void> {
    for await (const { bootId, revision } of this.#options.dataPlane.boots(signal)) {
      this.#offset ??= revision + 1;
      if (bootId === this.#bootId) continue;
      if (this.#bootId) this.#options.logger.info("Data plane was restarted; sending everything", { bootId });
      this.#bootId = bootId;
      this.#fullSyncNeeded = true;
      this.#wakeup.ring();
    }
  }

  async #syncLoop(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    await this.#informers.waitForSync(signal).catch(() => {});
    while (!signal.aborted) {
      await clock
        .sleep(Math.max(0, this.#lastSyncMs + this.#config.minSyncPeriodMs - clock.monotonicMs()), signal)
        .catch(() => {});
      if (signal.aborted) return;
      this.#lastSyncMs = clock.monotonicMs();
      try {
        await this.#sync(signal);
      } catch (err) {
        if (signal.aborted) return;
        this.metrics.failed(this.modes.part.balancer, this.#fullSyncNeeded);
        // Whether the transaction was applied is not known.
        this.#fullSyncNeeded = true;
        logger.warn("The data plane did not take a sync; trying again", { err });
        await clock.sleep(RETRY_MS, signal).catch(() => {});
        continue;
      }
      await this.#wakeup.wait(clock, this.#nextDueMs());
      if (this.#synced && clock.nowMs() >= this.#fullMs + this.#config.syncPeriodMs)
        this.#fullSyncNeeded = true;
    }
  }

  #nextDueMs(): number | undefined {
    const cursorMs = this.cursors.nextDueMs();
    if (!this.#synced) return cursorMs;
    return Math.min(cursorMs ?? Number.POSITIVE_INFINITY, this.#fullMs + this.#config.syncPeriodMs);
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { clock, dataPlane, logger } = this.#options;
    if (this.#bootId === undefined || this.#offset === undefined) return;
    const startMs = clock.monotonicMs();
    const nodes = this.nodes.take();
    const plan = this.#fullSyncNeeded
      ? planFullSync(this.cursors, this.nodes.all(), this.#offset, clock.nowMs())
      : planPartialSync(this.cursors, nodes, this.nodes.size, this.#offset, clock.nowMs());
    if (!plan && !this.modes.pending) return;
    const modes = this.modes.part;
    const { carrier } = this.#options;
    const result = await dataPlane.program(
      {
        bootId: this.#bootId,
        ...(carrier === undefined ? {} : { proxyCarrier: carrier }),
        ...modes,
        ...plan?.transaction,
      },
      signal,
    );
    if (result.kind === "resync") {
      logger.info("The data plane asks for everything", { reason: result.reason });
      this.#fullSyncNeeded = true;
      this.#wakeup.ring();
      return;
    }
    this.modes.told(modes);
    this.#reportPorts(result.hostPorts);
    if (!plan) return;
    this.#fullSyncNeeded = false;
    this.#synced = true;
    this.#commit(plan);
    this.#followNodes();
    this.#observe(plan, clock.monotonicMs() - startMs, result.conntrackDeleted);
  }

  /** The data plane has it: the cursors move, and the timeline learns when. */
  #commit(plan: PlannedSync): void {
    const atMs = this.#options.clock.nowMs();
    const own = this.cursors.own().size;
    for (const { cursor, to, node } of plan.moves) {
      this.views.note(this.tableRevision(to.revision), to.view);
      if (node === undefined && own > 0 && own >= this.nodes.size) {
        Object.assign(cursor, { revision: to.revision, view: to.view });
        continue;
      }
      const brought = this.timeline.programmed(cursor.revision, to.revision, {
        atMs,
        ...(plan.full ? { full: true } : {}),
        ...(node === undefined ? { nodeCount: this.nodes.size - own } : { nodes: [node], nodeCount: 1 }),
      });
      for (const { triggeredMs } of brought)
        if (triggeredMs !== undefined && this.#synced)
          this.metrics.programmingDuration.observe(Math.max(0, atMs - triggeredMs) / 1000);
      cursor.revision = to.revision;
      cursor.view = to.view;
    }
    for (const node of plan.rejoining) this.cursors.forget(node);
    this.#log.trim(this.cursors.oldest());
  }

  /** Each node has watches of its own while nodes are few. Its first table comes with the others'. */
  #followNodes(): void {
    const areFew = this.nodes.size <= this.#config.watchedNodes;
    if (!areFew && this.#watches.count === 0) return;
    const watched = areFew ? this.nodes.all().map(({ nodeName }) => nodeName) : [];
    for (const node of this.#watches.follow(new Set(watched))) this.cursors.gate(node);
  }

  #observe({ full }: PlannedSync, durationMs: number, conntrackDeleted: number): void {
    const atMs = this.#options.clock.nowMs();
    const { families } = this.nodes;
    this.#updatedMs = atMs;
    if (full) this.#fullMs = atMs;
    this.metrics.synced({ full, seconds: durationMs / 1000, atMs, families, conntrackDeleted });
  }

  /** A node port that another program on this machine holds is said once on its Service. */
  #reportPorts(hostPorts: readonly HostPort[]): void {
    for (const { problem, actual, wanted, servicePort } of hostPorts) {
      const key = `${servicePort} ${wanted} ${actual}`;
      if (problem === undefined || this.#reportedPorts.has(key)) continue;
      const service = this.#services.get(servicePort.split(":")[0] ?? "");
      if (!service) continue;
      this.#reportedPorts.add(key);
      const substitute = actual === undefined ? "nothing is listening" : `using ${actual} instead`;
      this.#recorder.event(
        service,
        "Warning",
        "NodePortTaken",
        `${wanted} is in use on this machine; ${substitute}`,
      );
    }
  }
}
