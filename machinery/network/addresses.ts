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

/** The loopback address of an address's own family. */
export const loopbackOf = (ip: string): string => (ip.includes(":") ? "::1" : "127.0.0.1");

/** Two spellings of one IPv6 address compare equal. */
export const sameIp = (a: string, b: string): boolean =>
  a === b || (a.includes(":") && b.includes(":") && toBits(a).bits === toBits(b).bits);

/**
 * The one spelling of an address that tables are keyed by: RFC 5952, and IPv4 for an address that is mapped into IPv6, as a
 * socket of both families treats it. What is no address stays as it is.
 */
export function canonicalIp(ip: string): string {
  if (!ip.includes(":") || !isIPv6(ip)) return ip;
  const { bits } = toBits(ip);
  return bits >> 32n === 0xffffn ? formatIpv4(Number(bits & 0xffff_ffffn)) : formatIpv6(bits);
}

export type IpFamily = "IPv4" | "IPv6";

/** Of an address or a CIDR. */
export const familyOf = (ip: string): IpFamily => (ip.includes(":") ? "IPv6" : "IPv4");

/** RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero groups left out. */
function formatIpv6(bits: bigint): string {
  const hex = bits.toString(16).padStart(32, "0");
  const parts = (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ""));
  let [start, length] = [0, 1];
  for (let i = 0; i < parts.length; i++) {
    let end = i;
    while (parts[end] === "0") end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  if (length < 2) return parts.join(":");
  return `${parts.slice(0, start).join(":")}::${parts.slice(start + length).join(":")}`;
}

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
  const { family, length, masked } = parsePrefix(cidr);
  if (family === 4) return formatIpv4(Number(masked << BigInt(32 - length)) + index);
  return formatIpv6((masked << BigInt(128 - length)) + BigInt(index));
}

/** How far into a range an address lies; undefined when it is outside. The reverse of `addressInCidr`. */
export function indexInCidr(cidr: string, ip: string): number | undefined {
  const { family, length, masked } = parsePrefix(cidr);
  if (!isIp(ip)) return undefined;
  const address = toBits(ip);
  const hostBits = BigInt((family === 4 ? 32 : 128) - length);
  if (address.family !== family || address.bits >> hostBits !== masked) return undefined;
  return Number(address.bits - (masked << hostBits));
}

export function cidrContains(cidr: string, ip: string): boolean {
  const table = new PrefixTable<true>();
  table.set(cidr, true);
  return table.lookup(ip) === true;
}

const MOST_KNOWN = 16_384;

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
  /** Found before, by IPv6 text: reading that is the slow part. */
  readonly #known6 = new Map<string, T | undefined>();

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
    const known = this.#known6.get(ip);
    if (known !== undefined || this.#known6.has(ip)) return known;
    if (this.#known6.size >= MOST_KNOWN) this.#known6.clear();
    const found = this.#search6(ip);
    this.#known6.set(ip, found);
    return found;
  }

  #search6(ip: string): T | undefined {
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
    this.#known6.clear();
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
