import type { Backend } from "../dataplane/table.js";

const BUCKETS = 256;
const GOLDEN_RATIO = 0x61c88647;

/** The 256 buckets of the hashing schedulers: endpoints in turn, each as often as its weight says. */
const bucketsOf = new WeakMap<readonly Backend[], readonly Backend[]>();

export function bucketFor(backends: readonly Backend[], ip: string): Backend {
  let buckets = bucketsOf.get(backends);
  if (!buckets) {
    buckets = fillBuckets(backends);
    bucketsOf.set(backends, buckets);
  }
  // hash_32(address, 8 bits) of the kernel.
  return buckets[Math.imul(foldedAddress(ip), GOLDEN_RATIO) >>> 24] as Backend;
}

function fillBuckets(backends: readonly Backend[]): Backend[] {
  const willing = backends.filter(({ weight }) => weight > 0);
  const turn = willing.flatMap((backend) =>
    Array.from({ length: Math.min(backend.weight, BUCKETS) }, () => backend),
  );
  const order = turn.length > 0 ? turn : backends;
  return Array.from({ length: BUCKETS }, (_, i) => order[i % order.length] as Backend);
}

/** 32 bits: an IPv4 address as it is, the words of an IPv6 one folded by exclusive or. */
export function foldedAddress(ip: string): number {
  if (!ip.includes(":"))
    return ip.split(".").reduce((number, byte) => ((number << 8) | Number(byte)) >>> 0, 0);
  const [head = "", tail] = ip.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce(
    (folded, group, i) => (folded ^ (Number.parseInt(group, 16) << (i % 2 === 0 ? 16 : 0))) >>> 0,
    0,
  );
}
