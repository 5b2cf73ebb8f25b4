import { isIPv4, isIPv6 } from "node:net";
import type { SocketAddress } from "./network.js";

/** An IP address as a number of 32 or 128 bits. */
interface IpBits {
  family: 4 | 6;
  bits: bigint;
}

/** `10.96.0.10:53`, IPv6 in brackets. */
export const formatAddress = ({ ip, port }: SocketAddress): string =>
  ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;

/** The reverse of `formatAddress`; undefined when the text is not an address with a port. */
export function parseAddress(text: string): SocketAddress | undefined {
  const colon = text.lastIndexOf(":");
  const ip = text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(text.slice(colon + 1));
  const wellFormed = colon > 0 && Number.isInteger(port) && port >= 0 && port <= 65_535 && isIp(ip);
  return wellFormed ? { ip, port } : undefined;
}

export const isIp = (text: string): boolean => isIPv4(text) || isIPv6(text);

export const isLoopback = (ip: string): boolean => ip.startsWith("127.") || ip === "::1";

/** Two spellings of one IPv6 address compare equal. */
export const sameIp = (a: string, b: string): boolean =>
  a === b || (a.includes(":") && b.includes(":") && toBits(a).bits === toBits(b).bits);

function toBits(ip: string): IpBits {
  if (isIPv4(ip)) return { family: 4, bits: BigInt(ipv4Number(ip)) };
  if (!isIPv6(ip)) throw new RangeError(`not an IP address: ${ip}`);
  const [head = "", tail] = ip.replace(/%.*$/, "").split("::");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => 0);
  const bits = [...front, ...zeros, ...back].reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  return { family: 6, bits };
}

function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const embedded = ipv4Number(group);
    return [embedded >>> 16, embedded & 0xffff];
  });
}

/** The four octets as one unsigned number. The text must be an IPv4 address. */
export function ipv4Number(ip: string): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === 46) {
      value = value * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - 48;
  }
  return value * 256 + octet;
}

export const formatIpv4 = (value: number): string =>
  `${Math.floor(value / 2 ** 24) % 256}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

interface Prefix {
  family: 4 | 6;
  length: number;
  masked: bigint;
}

function parsePrefix(cidr: string): Prefix {
  const [ip = "", lengthText] = cidr.split("/");
  const { family, bits } = toBits(ip);
  const width = family === 4 ? 32 : 128;
  const length = lengthText === undefined ? width : Number(lengthText);
  if (!Number.isInteger(length) || length < 0 || length > width) throw new RangeError(`not a CIDR: ${cidr}`);
  return { family, length, masked: bits >> BigInt(width - length) };
}

/** The `index`th address of a range: 0 is the network address. */
export function addressInCidr(cidr: string, index: number): string {
  const [ip = ""] = cidr.split("/");
  const { family, length, masked } = parsePrefix(cidr);
  if (family === 4) return formatIpv4(Number(masked << BigInt(32 - length)) + index);
  const bits = (masked << BigInt(128 - length)) + BigInt(index);
  const hex = bits.toString(16).padStart(32, "0");
  return ip === "" ? ip : (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, "")).join(":");
}

export function cidrContains(cidr: string, ip: string): boolean {
  const table = new PrefixTable<true>();
  table.set(cidr, true);
  return table.lookup(ip) === true;
}

/**
 * Longest prefix match. One hash map for each prefix length in use, so a lookup costs as many probes as there are
 * different lengths, however many prefixes there are.
 */
export class PrefixTable<T> {
  /** Longest first. The keys of IPv4 are plain numbers: this is asked for every connection. */
  readonly #v4 = new Map<number, Map<number, T>>();
  readonly #v6 = new Map<number, Map<bigint, T>>();
  #v4Lengths: readonly number[] = [];
  #v6Lengths: readonly number[] = [];

  /** A bare address counts as its own /32 or /128. Throws RangeError on nonsense. */
  set(cidr: string, value: T): void {
    const { family, length, masked } = parsePrefix(cidr);
    if (family === 4) entry(this.#v4, length).set(Number(masked), value);
    else entry(this.#v6, length).set(masked, value);
    this.#measure();
  }

  delete(cidr: string): void {
    const { family, length, masked } = parsePrefix(cidr);
    if (family === 4) this.#v4.get(length)?.delete(Number(masked));
    else this.#v6.get(length)?.delete(masked);
    this.#measure();
  }

  lookup(ip: string): T | undefined {
    if (ip.includes(":")) return this.#lookup6(ip);
    if (!isIPv4(ip)) return undefined;
    const value = ipv4Number(ip);
    for (const length of this.#v4Lengths) {
      const found = this.#v4.get(length)?.get(length === 0 ? 0 : Math.floor(value / 2 ** (32 - length)));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #lookup6(ip: string): T | undefined {
    if (!isIPv6(ip)) return undefined;
    const { bits } = toBits(ip);
    for (const length of this.#v6Lengths) {
      const found = this.#v6.get(length)?.get(bits >> BigInt(128 - length));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #measure(): void {
    this.#v4Lengths = usedLengths(this.#v4);
    this.#v6Lengths = usedLengths(this.#v6);
  }
}

function entry<K, T>(byLength: Map<number, Map<K, T>>, length: number): Map<K, T> {
  const existing = byLength.get(length) ?? new Map<K, T>();
  byLength.set(length, existing);
  return existing;
}

const usedLengths = (byLength: ReadonlyMap<number, ReadonlyMap<unknown, unknown>>): number[] =>
  [...byLength]
    .filter(([, prefixes]) => prefixes.size > 0)
    .map(([length]) => length)
    .sort((a, b) => b - a);
