/** /24 by /24, as `--node-cidr-mask-size` has it. */
const NODE_MASK = 24;
const BLOCK = 2 ** (32 - NODE_MASK);
const BASE = toNumber("10.244.0.0");

/** Ranges of node pod CIDRs: the smallest prefix around 10.244.0.0 that holds so many nodes. */
const PREFIXES = [16, 14, 11] as const;

/** A cluster range: where its /24s start and how many there are. */
export interface CidrRange {
  first: number;
  count: number;
}

export function rangeFor(nodeCount: number): CidrRange {
  const mask = PREFIXES.find((prefix) => 2 ** (NODE_MASK - prefix) >= nodeCount) ?? 11;
  return rangeOf(BASE, mask);
}

/** Undefined when the text is no IPv4 CIDR or is too small for one node. */
export function parseRange(cidr: string): CidrRange | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  const mask = Number(match?.[2]);
  if (!match?.[1] || mask > NODE_MASK) return undefined;
  return rangeOf(toNumber(match[1]), mask);
}

function rangeOf(address: number, mask: number): CidrRange {
  const size = 2 ** (32 - mask);
  return { first: Math.floor(address / size) * size, count: size / BLOCK };
}

/** A free /24, sought from `from` on (0 is 10.244.0.0 where the range holds it), and where to go on next time. */
export function nextFree(
  range: CidrRange,
  used: ReadonlySet<string>,
  from = 0,
): { cidr: string; next: number } | undefined {
  const start =
    BASE >= range.first && BASE < range.first + range.count * BLOCK ? (BASE - range.first) / BLOCK : 0;
  for (let i = from; i < from + range.count; i++) {
    const block = (start + i) % range.count;
    const cidr = `${toText(range.first + block * BLOCK)}/${NODE_MASK}`;
    if (!used.has(cidr)) return { cidr, next: (i + 1) % range.count };
  }
  return undefined;
}

function toNumber(ip: string): number {
  return ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
