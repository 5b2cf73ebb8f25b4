import { type Cidr, cidrContains, formatIPv4, parseIPv4 } from "../../../machinery/api/ip.js";
import type { Rng } from "../../../machinery/api/rng.js";

/** Why an address could not be had; messages of pkg/registry/core/service/ipallocator. */
export class AllocationError extends Error {
  override readonly name = "AllocationError";
}

/**
 * Addresses of one block, all but the first and the last. What nobody asked for by name comes from the upper part
 * first, so that low addresses stay free for who does (KEP-3070).
 */
export class IpAllocator {
  readonly #cidr: Cidr;
  readonly #allocated = new Set<number>();
  readonly #kept: ReadonlySet<number>;

  /** `kept` addresses are only given to who asks for them. */
  constructor(cidr: Cidr, kept: readonly string[] = []) {
    this.#cidr = cidr;
    this.#kept = new Set(kept.map((ip) => parseIPv4(ip) ?? -1));
  }

  allocate(ip: string): void {
    const address = parseIPv4(ip);
    const { base, size } = this.#cidr;
    if (
      address === undefined ||
      !cidrContains(this.#cidr, address) ||
      address === base ||
      address === base + size - 1
    )
      throw new AllocationError("the provided network does not match the current range");
    if (this.#allocated.has(address)) throw new AllocationError("provided IP is already allocated");
    this.#allocated.add(address);
  }

  allocateNext(rng: Rng): string {
    const first = this.#cidr.base + 1;
    const last = this.#cidr.base + this.#cidr.size - 2;
    const band = first + bandSize(this.#cidr.size);
    const address = this.#free(rng, band, last) ?? this.#free(rng, first, Math.min(band - 1, last));
    if (address === undefined) throw new AllocationError("range is full");
    this.#allocated.add(address);
    return formatIPv4(address);
  }

  release(ip: string): void {
    const address = parseIPv4(ip);
    if (address !== undefined) this.#allocated.delete(address);
  }

  /** From a random place onwards, so that the search ends even in a crowded block. */
  #free(rng: Rng, low: number, high: number): number | undefined {
    if (high < low) return undefined;
    const count = high - low + 1;
    const start = rng.int(0, count - 1);
    for (let i = 0; i < count; i++) {
      const address = low + ((start + i) % count);
      if (!this.#allocated.has(address) && !this.#kept.has(address)) return address;
    }
    return undefined;
  }
}

/** min(max(16, size/16), 256) */
const bandSize = (size: number): number =>
  size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256) - 1;
