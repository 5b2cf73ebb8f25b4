import { isIPv6 } from "node:net";
import { canonicalIp } from "../network/addresses.js";

const LONGEST_NAME_BYTES = 255;
const LONGEST_LABEL_BYTES = 63;
const MOST_POINTERS = 126;
const DOT = 46;
const BACKSLASH = 92;

/** A name of a message: its text without the dot at the end, and its labels uncompressed as they were sent. */
export interface WireName {
  text: string;
  bytes: Uint8Array;
  /** Where the message goes on. */
  end: number;
}

/** RFC 1035 section 4.1.4. Undefined for a name that is cut off, too long, or points forwards or in a circle. */
export function readName(message: Uint8Array, start: number): WireName | undefined {
  const labels: string[] = [];
  const parts: number[] = [];
  let offset = start;
  let end: number | undefined;
  for (let pointers = 0; pointers <= MOST_POINTERS; ) {
    const length = message[offset];
    if (length === undefined) return undefined;
    if (length === 0) {
      parts.push(0);
      if (parts.length > LONGEST_NAME_BYTES) return undefined;
      return { text: labels.join("."), bytes: Uint8Array.from(parts), end: end ?? offset + 1 };
    }
    if (length <= LONGEST_LABEL_BYTES) {
      const label = message.subarray(offset + 1, offset + 1 + length);
      if (label.length < length || parts.length + length + 1 > LONGEST_NAME_BYTES) return undefined;
      labels.push(labelText(label));
      parts.push(length, ...label);
      offset += length + 1;
      continue;
    }
    const low = message[offset + 1];
    if (length < 0xc0 || low === undefined) return undefined;
    const target = ((length & 0x3f) << 8) | low;
    if (target >= offset) return undefined;
    end ??= offset + 2;
    offset = target;
    pointers += 1;
  }
  return undefined;
}

/** As master files write a label: dots and backslashes escaped, other bytes as `\ddd`. */
function labelText(label: Uint8Array): string {
  let text = "";
  for (const byte of label) {
    if (byte === DOT || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`;
    else if (byte > 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

/** The labels of a name as bytes. Undefined when it is no name: an empty label, one over 63 bytes, over 255 in all. */
export function nameLabels(name: string): Uint8Array[] | undefined {
  const bare = name.endsWith(".") && !name.endsWith("\\.") ? name.slice(0, -1) : name;
  if (bare === "") return [];
  const labels = bare.includes("\\")
    ? splitEscaped(bare)
    : bare.split(".").map((label) => Buffer.from(label));
  const bytes = labels.reduce((sum, label) => sum + label.length + 1, 1);
  const wellFormed = labels.every(({ length }) => length > 0 && length <= LONGEST_LABEL_BYTES);
  return wellFormed && bytes <= LONGEST_NAME_BYTES ? labels : undefined;
}

function splitEscaped(name: string): Uint8Array[] {
  const labels: number[][] = [[]];
  for (let i = 0; i < name.length; i++) {
    const digits = /^\\(\d{3})/.exec(name.slice(i, i + 4))?.[1];
    if (digits) {
      labels.at(-1)?.push(Number(digits) & 0xff);
      i += 3;
    } else if (name[i] === "\\") labels.at(-1)?.push(...Buffer.from(name[++i] ?? ""));
    else if (name[i] === ".") labels.push([]);
    else labels.at(-1)?.push(...Buffer.from(name[i] ?? ""));
  }
  return labels.map((label) => Uint8Array.from(label));
}

/** Whether `name` is the zone's own name or below it; both in lower case, the root is "". */
export const isInZone = (name: string, zone: string): boolean =>
  zone === "" || name === zone || name.endsWith(`.${zone}`);

const V4_SUFFIX = ".in-addr.arpa";
const V6_SUFFIX = ".ip6.arpa";

/** `10.96.0.1` of `1.0.96.10.in-addr.arpa`, in lower case; undefined for any other name. */
export function addressOfReverseName(name: string): string | undefined {
  if (name.endsWith(V4_SUFFIX)) {
    const octets = name.slice(0, -V4_SUFFIX.length).split(".").reverse();
    const valid =
      octets.length === 4 && octets.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
    return valid ? octets.join(".") : undefined;
  }
  if (!name.endsWith(V6_SUFFIX)) return undefined;
  const nibbles = name.slice(0, -V6_SUFFIX.length).split(".").reverse();
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return canonicalIp((nibbles.join("").match(/.{4}/g) ?? []).join(":"));
}

/** The name that a PTR query asks for. */
export function reverseName(ip: string): string {
  if (!isIPv6(ip)) return `${ip.split(".").reverse().join(".")}${V4_SUFFIX}`;
  const [head = "", tail] = ip.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  const nibbles = [...front, ...(tail === undefined ? [] : zeros), ...back]
    .map((group) => group.padStart(4, "0"))
    .join("");
  return `${nibbles.toLowerCase().split("").reverse().join(".")}${V6_SUFFIX}`;
}
