/** IPv4 as an unsigned integer; undefined when the text is not a dotted quad without leading zeros. */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

export const formatIPv4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

export const isIPv4 = (text: string): boolean => parseIPv4(text) !== undefined;

/** IPv6 in any of its text forms (an IPv4 tail included), no zone. */
export function isIPv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (halves.length === 1 && text === "") return false;
  const last = groups.at(-1);
  let count = groups.length;
  if (last?.includes(".")) {
    if (!isIPv4(last)) return false;
    groups.pop();
    count += 1;
  }
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? count <= 7 : count === 8;
}

export const isIP = (text: string): boolean => isIPv4(text) || isIPv6(text);

/** The same message for every address field (apimachinery util/validation IsValidIP). */
export const INVALID_IP_MESSAGE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

export interface Cidr {
  /** First address of the block. */
  base: number;
  prefixLength: number;
  /** Addresses in the block. */
  size: number;
}

/** An IPv4 block; host bits are masked off. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const ip = parseIPv4(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (ip === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const prefixLength = Number(bits);
  const size = 2 ** (32 - prefixLength);
  return { base: ip - (ip % size), prefixLength, size };
}

export function cidrContains(cidr: Cidr, ip: string | number): boolean {
  const value = typeof ip === "number" ? ip : parseIPv4(ip);
  return value !== undefined && value >= cidr.base && value < cidr.base + cidr.size;
}
