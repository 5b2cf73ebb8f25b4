import type { Answer } from "dns-packet";
import { isIPv4, isIPv6 } from "node:net";
import { canonicalIp, isIp } from "../network/addresses.js";
import { nameLabels, reverseName } from "./names.js";

/** A line that cannot be understood. The message names the line by its number. */
export class ZoneFileError extends Error {
  override readonly name = "ZoneFileError";
}

export const DEFAULT_TTL_SECONDS = 3600;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

interface Defaults {
  origin: string;
  ttlSeconds: number;
  owner: string;
}

/**
 * Records of a file whose lines are those of hosts(5) (`192.0.2.1 www.example.com`) or of a master file (RFC 1035 section 5:
 * `www.example.com. 300 IN A 192.0.2.1`, `$ORIGIN`, `$TTL`). Addresses of hosts lines get PTR records too. Throws
 * ZoneFileError.
 */
export function parseZoneFile(text: string): Answer[] {
  const defaults: Defaults = { origin: "", ttlSeconds: DEFAULT_TTL_SECONDS, owner: "" };
  return text.split("\n").flatMap((raw, index) => {
    const line = raw.replace(/(^|\s)[#;].*$/, "");
    if (line.trim() === "") return [];
    try {
      return parseLine(line, defaults);
    } catch (err) {
      if (err instanceof RangeError) throw new ZoneFileError(`line ${index + 1}: ${err.message}`);
      throw err;
    }
  });
}

function parseLine(line: string, defaults: Defaults): Answer[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  const [first = "", second = ""] = words;
  if (first === "$ORIGIN") defaults.origin = absolute(second, defaults.origin);
  else if (first === "$TTL") defaults.ttlSeconds = seconds(second) ?? invalid(`"${second}" is no TTL`);
  else if (isIp(first)) return hostsRecords(first, words.slice(1), defaults);
  else {
    if (!/^\s/.test(line)) defaults.owner = absolute(words.shift() ?? "", defaults.origin);
    return [parseRecord(words, defaults)];
  }
  return [];
}

function hostsRecords(ip: string, names: readonly string[], { ttlSeconds: ttl }: Defaults): Answer[] {
  const data = canonicalIp(ip);
  const type = data.includes(":") ? "AAAA" : "A";
  const [canonical] = names;
  if (canonical === undefined) invalid(`${ip} has no name`);
  return [
    ...names.map((name): Answer => ({ name: absolute(`${name.replace(/\.$/, "")}.`, ""), type, ttl, data })),
    { name: reverseName(data), type: "PTR", ttl, data: absolute(`${canonical.replace(/\.$/, "")}.`, "") },
  ];
}

function parseRecord(words: string[], { owner, origin, ttlSeconds }: Defaults): Answer {
  let ttl = ttlSeconds;
  for (let word = words[0]; word !== undefined; word = words[0]) {
    const given = seconds(word);
    if (given !== undefined) ttl = given;
    else if (word.toUpperCase() !== "IN") break;
    words.shift();
  }
  const [type = "", ...values] = words;
  return { name: owner, ttl, class: "IN", ...rdata(type.toUpperCase(), values, origin) } as Answer;
}

function rdata(type: string, values: readonly string[], origin: string): { type: string; data: unknown } {
  const [first = ""] = values;
  switch (type) {
    case "A":
      return { type, data: isIPv4(first) ? first : invalid(`"${first}" is no IPv4 address`) };
    case "AAAA":
      return { type, data: isIPv6(first) ? canonicalIp(first) : invalid(`"${first}" is no IPv6 address`) };
    case "CNAME":
    case "NS":
    case "PTR":
      return { type, data: absolute(first, origin) };
    case "TXT":
      return {
        type,
        data: values.map((value) => Buffer.from(value.replace(/^"(.*)"$/, "$1").replaceAll('\\"', '"'))),
      };
    case "MX":
      return { type, data: { preference: whole(first), exchange: absolute(values[1] ?? "", origin) } };
    case "SRV": {
      const [priority, weight, port] = values.slice(0, 3).map(whole);
      return { type, data: { priority, weight, port, target: absolute(values[3] ?? "", origin) } };
    }
    default:
      return invalid(`"${type}" is no record type of a zone file`);
  }
}

/** In lower case and without the dot at the end. */
function absolute(name: string, origin: string): string {
  const full =
    name === "@" ? origin : name.endsWith(".") ? name.slice(0, -1) : [name, origin].filter(Boolean).join(".");
  if (name === "" || !nameLabels(full)) invalid(`"${name}" is no name`);
  return full.toLowerCase();
}

function seconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smhdw]?)$/i.exec(text);
  return match ? Number(match[1]) * (UNITS[(match[2] ?? "s").toLowerCase() || "s"] ?? 1) : undefined;
}

function whole(text: string): number {
  const value = Number(text);
  return /^\d{1,5}$/.test(text) && value <= 0xffff ? value : invalid(`"${text}" is not between 0 and 65535`);
}

function invalid(message: string): never {
  throw new RangeError(message);
}
