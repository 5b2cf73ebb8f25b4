import type { Rng } from "../api/rng.js";
import type { Latency } from "./memory-pipe.js";

/** What is wrong with the way from one node to another. Node names; `*` is every node. */
export interface LinkFault {
  source: string;
  destination: string;
  delayMs?: number;
  /** Uniform, on top of the delay. */
  jitterMs?: number;
  /** 0 to 100. TCP sends a lost packet again, a datagram is gone. */
  lossPercent?: number;
  cut?: boolean;
}

/** The links between nodes. Healthy unless a fault was set; faults of one direction add up. */
export class Links {
  readonly #rng: Rng;
  readonly #faults = new Map<string, LinkFault>();
  readonly #listeners = new Set<() => void>();

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Sets or replaces the fault called `name`. */
  set(name: string, fault: LinkFault): void {
    this.#faults.set(name, fault);
    this.#announce();
  }

  /** Heals; a name that is not there is healthy already. */
  clear(name: string): void {
    if (this.#faults.delete(name)) this.#announce();
  }

  list(): readonly ({ name: string } & LinkFault)[] {
    return [...this.#faults].map(([name, fault]) => ({ name, ...fault }));
  }

  get healthy(): boolean {
    return this.#faults.size === 0;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  isCut(source: string, destination: string): boolean {
    if (this.healthy) return false;
    return this.#between(source, destination).some((fault) => fault.cut === true);
  }

  /** What the next packet takes: Infinity when it is lost. */
  latency(source: string, destination: string): Latency {
    return () => {
      if (this.healthy) return 0;
      let sumMs = 0;
      for (const fault of this.#between(source, destination)) {
        if (fault.cut || this.#lost(fault.lossPercent)) return Number.POSITIVE_INFINITY;
        sumMs += (fault.delayMs ?? 0) + (fault.jitterMs ? this.#rng.next() * fault.jitterMs : 0);
      }
      return sumMs;
    };
  }

  #lost(percent = 0): boolean {
    return percent > 0 && this.#rng.next() * 100 < percent;
  }

  #between(source: string, destination: string): LinkFault[] {
    const matches = (pattern: string, name: string): boolean => pattern === "*" || pattern === name;
    return [...this.#faults.values()].filter(
      (fault) => matches(fault.source, source) && matches(fault.destination, destination),
    );
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
