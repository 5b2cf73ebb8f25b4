import type { Rng } from "../../machinery/api/rng.js";
import { addressInCidr, indexInCidr } from "../../machinery/network/addresses.js";

export type IpReuse = "delayed" | "immediate" | "adversarial";

/** What faults do to a node's addresses. */
export interface AddressFaults {
  /** Instead of the configured one. */
  reuse(): IpReuse | undefined;
  /** There are none to be had. */
  exhausted(): boolean;
  /** What this pod gets although another one has it. */
  copied(podUid: string): readonly string[] | undefined;
  /** Some address may have two owners. */
  copying(): boolean;
}

export interface Take {
  /** Default as configured. */
  reuse?: IpReuse | undefined;
  /** An address not to get if there is another. */
  not?: string | undefined;
}

/** The gateway has the first address. */
const FIRST_INDEX = 2;
/** More than any node has pods; a /64 has more addresses than a number can count. */
const MOST_ADDRESSES = 2 ** 20;

/**
 * The addresses of one node's pod range. The first is the gateway's, so pods begin at .2. `delayed` goes round as the
 * CNI plugin host-local does, so an address rests as long as possible; `immediate` takes the lowest free one;
 * `adversarial` hands out the one given back last, which is where stale routes hurt most.
 */
export class IpPool {
  readonly #cidr: string;
  readonly #count: number;
  readonly #reuse: IpReuse;
  readonly #used = new Set<number>();
  readonly #released: number[] = [];
  #next = 0;

  /** `given` were handed out in an earlier life of the node: `delayed` goes on after them. */
  constructor(cidr: string, reuse: IpReuse, given: readonly string[] = []) {
    this.#cidr = cidr;
    const hostBits = (cidr.includes(":") ? 128 : 32) - Number(cidr.split("/")[1] ?? "24");
    this.#count = Math.max(0, Math.min(2 ** hostBits - 1 - FIRST_INDEX, MOST_ADDRESSES));
    this.#reuse = reuse;
    const offsets = given
      .map((ip) => this.#offsetOf(ip))
      .filter((offset) => offset !== undefined && offset >= 0 && offset < this.#count) as number[];
    if (reuse === "delayed" && offsets.length > 0) this.#next = (Math.max(...offsets) + 1) % this.#count;
  }

  /** Throws Error with the CNI plugin's message when all are taken. */
  take({ reuse = this.#reuse, not }: Take = {}): string {
    const offset = this.#choose(reuse, not === undefined ? undefined : this.#offsetOf(not));
    if (offset === undefined) throw this.exhaustion();
    this.#used.add(offset);
    if (reuse === "delayed") this.#next = (offset + 1) % this.#count;
    return addressInCidr(this.#cidr, offset + FIRST_INDEX);
  }

  exhaustion(): Error {
    const [first, last] = [1, this.#count + 1].map((index) => addressInCidr(this.#cidr, index));
    return new Error(
      `failed to allocate for range 0: no IP addresses available in range set: ${first}-${last}`,
    );
  }

  giveBack(ip: string, reuse: IpReuse = this.#reuse): void {
    const offset = this.#offsetOf(ip);
    if (offset !== undefined && this.#used.delete(offset) && reuse === "adversarial")
      this.#released.push(offset);
  }

  #choose(reuse: IpReuse, not: number | undefined): number | undefined {
    const last = reuse === "adversarial" ? this.#lastReleased(not) : undefined;
    if (last !== undefined) return last;
    if (this.#used.size >= this.#count) return undefined;
    for (let i = 0; i < this.#count; i++) {
      const offset = (this.#next + i) % this.#count;
      if (!this.#used.has(offset)) return offset;
    }
    return undefined;
  }

  #lastReleased(not: number | undefined): number | undefined {
    const isFree = (offset: number): boolean => !this.#used.has(offset);
    const chosen =
      this.#released.findLast((offset) => offset !== not && isFree(offset)) ??
      this.#released.findLast(isFree);
    const rest = this.#released.filter((offset) => offset !== chosen && isFree(offset));
    this.#released.splice(0, this.#released.length, ...rest);
    return chosen;
  }

  #offsetOf(ip: string): number | undefined {
    const index = indexInCidr(this.#cidr, ip);
    return index === undefined ? undefined : index - FIRST_INDEX;
  }
}

export interface LatencyRange {
  minMs: number;
  maxMs: number;
}

export const drawLatencyMs = (range: LatencyRange, rng: Rng): number =>
  range.minMs + (range.maxMs - range.minMs) * rng.next();
