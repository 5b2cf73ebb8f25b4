import type { Service } from "../../machinery/api/core-v1.js";
import type { PortAllocator } from "../registry/allocators/port-allocator.js";
import type { GenericStore } from "../registry/generic-store.js";
import { nodePortsOf } from "../registry/services/rules.js";
import type { RepairEvents } from "./repair-events.js";

/** How often a port must be found without a Service before it is given back (upstream numRepairsBeforeLeakCleanup). */
const STRIKES = 3;

/** Makes the allocator hold what stored Services have, and no more. Upstream: portallocator/controller Repair. */
export class NodePortRepair {
  readonly #services: GenericStore<Service>;
  readonly #ports: PortAllocator;
  readonly #events: RepairEvents;
  #strikes = new Map<number, number>();
  /** The first pass finds what was stored before the server started: nothing is wrong with that. */
  #isFirst = true;

  constructor(services: GenericStore<Service>, ports: PortAllocator, events: RepairEvents) {
    this.#services = services;
    this.#ports = ports;
    this.#events = events;
  }

  /** One pass. Ports of writes under way are without a Service for a moment, which three passes outlast. */
  async sweep(): Promise<void> {
    const seen = new Set<number>();
    const { view } = this.#services.core;
    for (const item of this.#services.list({}).items) {
      const service = view.object(item);
      for (const port of nodePortsOf(service)) await this.#check(service, port, seen);
    }
    this.#releaseLeaks(seen);
    this.#isFirst = false;
  }

  async #check(service: Service, port: number, seen: Set<number>): Promise<void> {
    const warn = (reason: string, message: string): Promise<void> =>
      this.#events.warn(service, { reason, action: "PortAllocation", message });
    if (!this.#ports.isInRange(port))
      return warn(
        "PortOutOfRange",
        `Port ${port} is not within the port range ${this.#ports.range}; please recreate service`,
      );
    if (seen.has(port))
      return warn(
        "PortAlreadyAllocated",
        `Port ${port} was assigned to multiple services; please recreate service`,
      );
    seen.add(port);
    if (this.#ports.has(port)) return undefined;
    this.#ports.allocate(port);
    if (this.#isFirst) return undefined;
    return warn("PortNotAllocated", `Port ${port} is not allocated; repairing`);
  }

  #releaseLeaks(seen: ReadonlySet<number>): void {
    const before = this.#strikes;
    this.#strikes = new Map();
    for (const port of this.#ports.taken()) {
      if (seen.has(port)) continue;
      const strikes = (before.get(port) ?? 0) + 1;
      if (strikes < STRIKES) this.#strikes.set(port, strikes);
      else this.#ports.release(port);
    }
  }
}
