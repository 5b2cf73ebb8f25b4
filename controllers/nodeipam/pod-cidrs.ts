import { addressInCidr, familyOf, indexInCidr, isIp } from "../../machinery/network/addresses.js";

/** What each node gets, as `--node-cidr-mask-size-ipv4` and `-ipv6` have it. */
const NODE_MASK = { IPv4: 24, IPv6: 64 } as const;
const WIDTH = { IPv4: 32, IPv6: 128 } as const;
/** Upstream: nodeipam/ipam/cidrset, clusterSubnetMaxDiff. */
const MOST_BITS = 16;
const BASE = { IPv4: "10.244.0.0", IPv6: "fd00:10:244::" } as const;

/** Spare bits of node numbers: the smallest cluster ranges around the bases that hold so many nodes. */
const SPARE_BITS = [8, 10, 13] as const;

/** A cluster range and how many nodes' ranges it holds. */
export interface CidrRange {
  cidr: string;
  nodeMask: number;
  /** Addresses of a node's range. */
  blockSize: number;
  count: number;
  /** The node's range to begin with: the base's, where the cluster range holds it. */
  start: number;
}

/** Both families: 10.244.0.0/16 and fd00:10:244::/56 for up to 256 nodes, wider ones for more. */
export function rangesFor(nodeCount: number): CidrRange[] {
  const bits = SPARE_BITS.find((spare) => 2 ** spare >= nodeCount) ?? 13;
  return [rangeOf(BASE.IPv4, NODE_MASK.IPv4 - bits), rangeOf(BASE.IPv6, NODE_MASK.IPv6 - bits)];
}

/**
 * `10.244.0.0/16`, or one of each family, separated by a comma, the primary one first. Undefined when the text is something
 * else, or one of the ranges is too small for a node.
 */
export function parseRanges(text: string): CidrRange[] | undefined {
  const ranges = text.split(",").map(parseRange);
  const families = new Set(ranges.map((range) => range && familyOf(range.cidr)));
  if (ranges.length > 2 || families.size < ranges.length) return undefined;
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

function parseRange(cidr: string): CidrRange | undefined {
  const [address = "", maskText = "", ...more] = cidr.trim().split("/");
  if (!isIp(address) || !/^\d{1,3}$/.test(maskText) || more.length > 0) return undefined;
  const mask = Number(maskText);
  const nodeMask = NODE_MASK[familyOf(address)];
  if (mask > nodeMask || nodeMask - mask > MOST_BITS) return undefined;
  return rangeOf(address, mask);
}

function rangeOf(address: string, mask: number): CidrRange {
  const family = familyOf(address);
  const cidr = `${address}/${mask}`;
  const blockSize = 2 ** (WIDTH[family] - NODE_MASK[family]);
  const base = indexInCidr(cidr, BASE[family]) ?? 0;
  return {
    cidr,
    nodeMask: NODE_MASK[family],
    blockSize,
    count: 2 ** (NODE_MASK[family] - mask),
    start: Math.floor(base / blockSize),
  };
}

/** A free range for a node, sought from `from` on (0 is `start`), and where to go on next time. */
export function nextFree(
  range: CidrRange,
  used: ReadonlySet<string>,
  from = 0,
): { cidr: string; next: number } | undefined {
  for (let i = from; i < from + range.count; i++) {
    const block = (range.start + i) % range.count;
    const cidr = `${addressInCidr(range.cidr, block * range.blockSize)}/${range.nodeMask}`;
    if (!used.has(cidr)) return { cidr, next: (i + 1) % range.count };
  }
  return undefined;
}
