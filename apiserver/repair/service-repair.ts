import type { Clock } from "../../machinery/api/clock.js";
import { events, services } from "../../machinery/api/core-v1.js";
import type { Logger } from "../../machinery/api/logger.js";
import type { KubeObject } from "../../machinery/api/meta-v1.js";
import { ipAddresses, serviceCIDRs } from "../../machinery/api/networking-v1.js";
import type { ResourceDescriptor } from "../../machinery/api/resource.js";
import type { PortAllocator } from "../registry/allocators/port-allocator.js";
import type { GenericStore } from "../registry/generic-store.js";
import { ADDRESS_GRACE_MS, ClusterIpRepair } from "./cluster-ip-repair.js";
import { NodePortRepair } from "./node-port-repair.js";
import { RepairEvents } from "./repair-events.js";

export interface ServiceRepairOptions {
  store<T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T>;
  nodePorts: PortAllocator;
  clock: Clock;
  logger: Logger;
}

/** Everything is looked at again after this long, as a real server does. */
const RESYNC_MS = 3 * 60_000;
/** Changes that come close together are looked at together. */
const SETTLE_MS = 1000;

/**
 * Keeps addresses and node ports what the Services say. Looks at what changed, and at everything now and then. Started with
 * the server; what it has to look at is bounded by the number of Services and addresses.
 */
export class ServiceRepair {
  readonly #options: ServiceRepairOptions;
  readonly #addresses: ClusterIpRepair;
  readonly #ports: NodePortRepair;
  readonly #dirtyServices = new Map<string, { namespace: string; name: string }>();
  readonly #dirtyAddresses = new Set<string>();
  /** Addresses whose Services may still come, and when to look at them again. */
  readonly #waiting = new Map<string, number>();
  #wake: (() => void) | undefined;

  constructor(options: ServiceRepairOptions) {
    this.#options = options;
    const { nodePorts, clock, logger } = options;
    const store = <T extends KubeObject>(descriptor: ResourceDescriptor<T>): GenericStore<T> =>
      options.store(descriptor);
    const eventsOf = (component: string): RepairEvents =>
      new RepairEvents({ events: store(events), logger, clock, component });
    this.#addresses = new ClusterIpRepair({
      services: store(services),
      ipAddresses: store(ipAddresses),
      serviceCIDRs: store(serviceCIDRs),
      events: eventsOf("ipallocator-repair-controller"),
      clock,
    });
    this.#ports = new NodePortRepair(store(services), nodePorts, eventsOf("portallocator-repair-controller"));
  }

  /** Looks at everything once: a server does before it is ready. What cannot be written now is looked at again later. */
  async sweep(): Promise<void> {
    this.#markAll();
    await this.#orLog(this.#work());
    await this.#orLog(this.#ports.sweep());
  }

  async #orLog(repair: Promise<void>): Promise<void> {
    const { logger } = this.#options;
    await repair.catch((err: unknown) => logger.error("Could not repair allocations", { err }));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stops = [this.#watchServices(), this.#watchAddresses()];
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake, { once: true });
    let resyncAtMs = clock.monotonicMs() + RESYNC_MS;
    while (!signal.aborted) {
      await this.#changesUntil(Math.min(resyncAtMs, ...this.#waiting.values()));
      this.#markWaiting();
      if (signal.aborted) break;
      const due = clock.monotonicMs() >= resyncAtMs;
      if (due) resyncAtMs = clock.monotonicMs() + RESYNC_MS;
      else await clock.sleep(SETTLE_MS, signal).catch(() => undefined);
      await (due ? this.sweep() : this.#orLog(this.#work()));
    }
    for (const stop of stops) stop();
  }

  /** Returns once something changed, or at `atMs` at the latest. */
  async #changesUntil(atMs: number): Promise<void> {
    if (this.#dirtyServices.size > 0 || this.#dirtyAddresses.size > 0) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(Math.max(0, atMs - clock.monotonicMs()), () => this.#wake?.());
      this.#wake = () => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  async #work(): Promise<void> {
    const found = [...this.#dirtyServices.values()];
    this.#dirtyServices.clear();
    for (const { namespace, name } of found) await this.#addresses.syncService(namespace, name);
    const names = [...this.#dirtyAddresses];
    this.#dirtyAddresses.clear();
    const againAtMs = this.#options.clock.monotonicMs() + ADDRESS_GRACE_MS + SETTLE_MS;
    for (const name of names)
      if (await this.#addresses.syncAddress(name)) this.#waiting.set(name, againAtMs);
      else this.#waiting.delete(name);
  }

  #markWaiting(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [name, atMs] of this.#waiting) {
      if (atMs > nowMs) continue;
      this.#waiting.delete(name);
      this.#dirtyAddresses.add(name);
    }
  }

  #markAll(): void {
    const stored = this.#options.store(services);
    for (const item of stored.list({}).items) this.#markService(stored.core.view.object(item));
    const addresses = this.#options.store(ipAddresses);
    for (const item of addresses.list({}).items)
      this.#dirtyAddresses.add(addresses.core.view.object(item).metadata.name);
  }

  #markService({ metadata: { namespace = "", name } }: KubeObject): void {
    this.#dirtyServices.set(`${namespace}/${name}`, { namespace, name });
  }

  #watchServices(): () => void {
    const store = this.#options.store(services);
    return this.#watch(store, (service) => this.#markService(service));
  }

  /** A change of an address concerns it and the Service that has it. */
  #watchAddresses(): () => void {
    return this.#watch(this.#options.store(ipAddresses), ({ metadata, spec: { parentRef } }) => {
      this.#dirtyAddresses.add(metadata.name);
      const { namespace = "", name } = parentRef;
      this.#dirtyServices.set(`${namespace}/${name}`, { namespace, name });
    });
  }

  #watch<T extends KubeObject>(store: GenericStore<T>, mark: (object: T) => void): () => void {
    const { core } = store;
    const end = store.watch({}, { after: core.storage.revision }, (changes) => {
      for (const { item } of changes) mark(core.view.object(item));
      this.#wake?.();
    });
    return () => {
      if (end.kind === "watching") end.stop();
    };
  }
}
