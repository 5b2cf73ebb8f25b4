import type { Rng } from "../../../machinery/api/rng.js";
import { AllocationError } from "./allocation-error.js";

/** Node ports. Like addresses, what nobody asked for by number comes from the upper band first (KEP-3668). */
export class PortAllocator {
  readonly #first: number;
  readonly #last: number;
  readonly #allocated = new Set<number>();

  constructor(first: number, last: number) {
    this.#first = first;
    this.#last = last;
  }

  allocate(port: number): void {
    if (!this.isInRange(port))
      throw new AllocationError(
        `provided port is not in the valid range. The range of valid ports is ${this.range}`,
      );
    if (this.#allocated.has(port)) throw new AllocationError("provided port is already allocated");
    this.#allocated.add(port);
  }

  allocateNext(rng: Rng): number {
    const size = this.#last - this.#first + 1;
    const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    const port =
      this.#free(rng, this.#first + band, this.#last) ?? this.#free(rng, this.#first, this.#first + band - 1);
    if (port === undefined) throw new AllocationError("range is full");
    this.#allocated.add(port);
    return port;
  }

  release(port: number): void {
    this.#allocated.delete(port);
  }

  has(port: number): boolean {
    return this.#allocated.has(port);
  }

  /** All that is taken, claims of writes under way included. */
  taken(): readonly number[] {
    return [...this.#allocated];
  }

  isInRange(port: number): boolean {
    return port >= this.#first && port <= this.#last;
  }

  /** `30000-32767` */
  get range(): string {
    return `${this.#first}-${this.#last}`;
  }

  #free(rng: Rng, low: number, high: number): number | undefined {
    if (high < low) return undefined;
    const count = high - low + 1;
    const start = rng.int(0, count - 1);
    for (let i = 0; i < count; i++) {
      const port = low + ((start + i) % count);
      if (!this.#allocated.has(port)) return port;
    }
    return undefined;
  }
}
