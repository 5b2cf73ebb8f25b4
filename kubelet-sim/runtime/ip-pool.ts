import type { Rng } from "../../machinery/api/rng.js";

export type IpReuse = "delayed" | "immediate" | "adversarial";

/**
 * The addresses of one node's pod range. The first is the gateway's, so pods begin at .2. `delayed` goes round as the
 * CNI plugin host-local does, so an address rests as long as possible; `immediate` takes the lowest free one;
 * `adversarial` hands out the one given back last, which is where stale routes hurt most.
 */
export class IpPool {
  readonly #first: number;
  readonly #count: number;
  readonly #reuse: IpReuse;
  readonly #used = new Set<number>();
  readonly #released: number[] = [];
  #next = 0;

  /** `given` were handed out in an earlier life of the node: `delayed` goes on after them. */
  constructor(cidr: string, reuse: IpReuse, given: readonly string[] = []) {
    const [address = "", bits = "24"] = cidr.split("/");
    const size = 2 ** (32 - Number(bits));
    this.#first = (ipToNumber(address) & -size) + 2;
    this.#count = Math.max(0, size - 3);
    this.#reuse = reuse;
    const offsets = given.map((ip) => ipToNumber(ip) - this.#first).filter((n) => n >= 0 && n < this.#count);
    if (reuse === "delayed" && offsets.length > 0) this.#next = (Math.max(...offsets) + 1) % this.#count;
  }

  /** Throws Error with the CNI plugin's message when all are taken. */
  take(): string {
    const offset = this.#choose();
    if (offset === undefined) {
      throw new Error("failed to allocate for range 0: no IP addresses available in range set");
    }
    this.#used.add(offset);
    if (this.#reuse === "delayed") this.#next = (offset + 1) % this.#count;
    return numberToIp(this.#first + offset);
  }

  giveBack(ip: string): void {
    const offset = ipToNumber(ip) - this.#first;
    if (this.#used.delete(offset) && this.#reuse === "adversarial") this.#released.push(offset);
  }

  #choose(): number | undefined {
    for (let last = this.#released.pop(); last !== undefined; last = this.#released.pop()) {
      if (!this.#used.has(last)) return last;
    }
    if (this.#used.size >= this.#count) return undefined;
    for (let i = 0; i < this.#count; i++) {
      const offset = (this.#next + i) % this.#count;
      if (!this.#used.has(offset)) return offset;
    }
    return undefined;
  }
}

const ipToNumber = (ip: string): number =>
  ip.split(".").reduce((value, part) => (value << 8) | Number(part), 0);

const numberToIp = (value: number): string =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");

export interface LatencyRange {
  minMs: number;
  maxMs: number;
}

export const drawLatencyMs = (range: LatencyRange, rng: Rng): number =>
  range.minMs + (range.maxMs - range.minMs) * rng.next();
