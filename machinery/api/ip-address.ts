// Addresses and ranges of both families, read as leniently as the API once read them, with what is odd about each.

export type IPFamily = "IPv4" | "IPv6";

export interface IpAddress {
  family: IPFamily;
  value: bigint;
}

/** `leadingZeros` is `010.1.2.3`, `mapped` is `::ffff:1.2.3.4`: both were once accepted and mean an IPv4 address. */
export type IpForm = "standard" | "leadingZeros" | "mapped";

export interface ReadIp extends IpAddress {
  form: IpForm;
}

const MAPPED = 0xffffn;
const LOW_32_BITS = 0xffff_ffffn;

/** Go's netutils.ParseIPSloppy; undefined when the text is no address. */
export function readIp(text: string): ReadIp | undefined {
  if (!text.includes(":")) return readIpv4(text);
  const read = readIpv6(text);
  if (read === undefined || read.value >> 32n !== MAPPED) return read;
  return { family: "IPv4", value: read.value & LOW_32_BITS, form: "mapped" };
}

function readIpv4(text: string): ReadIp | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d+$/.test(part) && Number(part) <= 255))
    return undefined;
  const leadingZeros = parts.some((part) => part.length > 1 && part.startsWith("0"));
  return {
    family: "IPv4",
    value: parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n),
    form: leadingZeros ? "leadingZeros" : "standard",
  };
}

function readIpv6(text: string): ReadIp | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  let form: IpForm = "standard";
  const sides = halves.map((half, i) => {
    const groups = half === "" ? [] : half.split(":");
    const tail = groups.at(-1);
    if (i !== halves.length - 1 || !tail?.includes(".")) return groups;
    const embedded = readIpv4(tail);
    if (!embedded) return ["not a group"];
    if (embedded.form !== "standard") form = embedded.form;
    const hex = embedded.value.toString(16).padStart(8, "0");
    return [...groups.slice(0, -1), hex.slice(0, 4), hex.slice(4)];
  });
  const [front = [], back] = sides;
  const zeros = 8 - front.length - (back?.length ?? 0);
  if (back === undefined ? zeros !== 0 : zeros < 1) return undefined;
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...(back ?? [])];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return {
    family: "IPv6",
    value: BigInt(`0x${groups.map((group) => group.padStart(4, "0")).join("")}`),
    form,
  };
}

/** The canonical text: RFC 5952 for IPv6. */
export function formatIp({ family, value }: IpAddress): string {
  if (family === "IPv4")
    return [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 255n).toString()).join(".");
  const groups = (value.toString(16).padStart(32, "0").match(/.{4}/g) ?? []).map((group) =>
    group.replace(/^0{1,3}/, ""),
  );
  let [start, length] = [0, 1];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The canonical text of an address; what is none stays as it is. */
export function canonicalIp(text: string): string {
  const read = readIp(text);
  return read ? formatIp(read) : text;
}

export interface IpPrefix {
  family: IPFamily;
  /** First address of the range. */
  base: bigint;
  length: number;
}

export interface ReadPrefix extends IpPrefix {
  /** The address as it was written, host bits included. */
  address: IpAddress;
  form: IpForm;
}

const widthOf = (family: IPFamily): number => (family === "IPv4" ? 32 : 128);

/** Go's netutils.ParseCIDRSloppy; undefined when the text is no range. */
export function readPrefix(text: string): ReadPrefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = readIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!address || !/^\d{1,4}$/.test(digits)) return undefined;
  const { family, value, form } = address;
  const length = Number(digits) - (form === "mapped" ? 96 : 0);
  if (length < 0 || length > widthOf(family)) return undefined;
  const hostBits = BigInt(widthOf(family) - length);
  const zeros = digits.length > 1 && digits.startsWith("0");
  return {
    family,
    base: (value >> hostBits) << hostBits,
    length,
    address: { family, value },
    form: form === "standard" && zeros ? "leadingZeros" : form,
  };
}

export const formatPrefix = ({ family, base, length }: IpPrefix): string =>
  `${formatIp({ family, value: base })}/${length}`;

export const lastOfPrefix = ({ family, base, length }: IpPrefix): bigint =>
  base + (1n << BigInt(widthOf(family) - length)) - 1n;

/** Whether every address of `inner` is one of `outer`. */
export const prefixContains = (outer: IpPrefix, inner: IpPrefix): boolean =>
  outer.family === inner.family && outer.length <= inner.length && isIn(outer, inner.base);

const isIn = (prefix: IpPrefix, value: bigint): boolean =>
  value >= prefix.base && value <= lastOfPrefix(prefix);

/**
 * Whether a Service may have this address out of the range: not the first, which names the network, nor the last of an
 * IPv4 range (upstream servicecidr.PrefixContainsIP).
 */
export const hasServiceAddress = (prefix: IpPrefix, { family, value }: IpAddress): boolean =>
  prefix.family === family &&
  isIn(prefix, value) &&
  value !== prefix.base &&
  !(family === "IPv4" && value === lastOfPrefix(prefix));
