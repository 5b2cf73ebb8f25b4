import {
  formatPrefix,
  type IpAddress,
  type IpPrefix,
  lastOfPrefix,
} from "../../../machinery/api/ip-address.js";
import type { Rng } from "../../../machinery/api/rng.js";

const SMALLEST_BAND = 16n;
const LARGEST_BAND = 256n;
const BAND_STEP = 16n;
/** Beyond this one draw has not enough bits. */
const ONE_DRAW = 2n ** 32n;

/**
 * The addresses of one range that Services may have. What nobody asked for by name comes from the upper part first, so that
 * low addresses stay free for who does (KEP-3070).
 */
export class IpRange {
  readonly prefix: IpPrefix;
  readonly first: bigint;
  readonly last: bigint;
  /** First address of the upper part. */
  readonly dynamic: bigint;

  constructor(prefix: IpPrefix) {
    this.prefix = prefix;
    const end = lastOfPrefix(prefix);
    this.first = prefix.base + 1n;
    this.last = prefix.family === "IPv4" ? end - 1n : end;
    this.dynamic = this.first + bandSize(end - prefix.base + 1n);
  }

  includes({ family, value }: IpAddress): boolean {
    return family === this.prefix.family && value >= this.first && value <= this.last;
  }

  /** Every address, in the order in which they are tried: from a random place of the upper part on, then of the lower. */
  *candidates(rng: Rng): Generator<IpAddress> {
    yield* this.#around(this.dynamic, this.last, rng);
    yield* this.#around(this.first, this.dynamic - 1n, rng);
  }

  *#around(low: bigint, high: bigint, rng: Rng): Generator<IpAddress> {
    const size = high - low + 1n;
    if (size <= 0n) return;
    const { family } = this.prefix;
    const start = drawBelow(size, rng);
    for (let i = 0n; i < size; i++) yield { family, value: low + ((start + i) % size) };
  }

  toString(): string {
    return formatPrefix(this.prefix);
  }
}

const drawBelow = (size: bigint, rng: Rng): bigint =>
  size <= ONE_DRAW
    ? BigInt(rng.int(0, Number(size) - 1))
    : ((BigInt(rng.int(0, 2 ** 32 - 1)) << 32n) + BigInt(rng.int(0, 2 ** 32 - 1))) % size;

/** min(max(16, size/16), 256); none where it would leave nothing. Upstream: calculateRangeOffset. */
function bandSize(size: bigint): bigint {
  if (size <= SMALLEST_BAND) return 0n;
  const band = size / BAND_STEP;
  return band < SMALLEST_BAND ? SMALLEST_BAND : band > LARGEST_BAND ? LARGEST_BAND : band;
}
