import { type Answer, encode } from "dns-packet";
import { isIPv4 } from "node:net";
import { nameLabels } from "./names.js";
import type { DnsQuery, Edns } from "./query.js";
import { recordTypeNumber } from "./record-types.js";
import { type DnsReply, RCODES } from "./reply.js";

const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x400;
const TRUNCATED = 0x200;
const RECURSION_AVAILABLE = 0x80;
/** Opcode, RD and CD come back as they were sent. */
const ECHOED_FLAGS = 0x7910;
const HEADER_BYTES = 12;
const FURTHEST_POINTER = 0x3fff;
const TYPE_OPT = 41;
const DNSSEC_OK = 0x8000;
const COOKIE_OPTION = 10;
const CLASS_IN = 1;

/** The parts of a reply that are records. */
type Sections = Pick<DnsReply, "answers" | "authorities" | "additionals">;

// Upstream: miekg/dns msg_truncate.go.
/**
 * The answer as bytes. Over `limitBytes`, records are left out from the end; when answers are among them it is marked, so
 * that the asker comes again over TCP.
 */
export function encodeReply(query: DnsQuery, reply: DnsReply, limitBytes: number): Uint8Array {
  const whole = encodeMessage(query, reply, reply, reply.truncated ?? false);
  if (whole.length <= limitBytes) return whole;
  const withoutExtras = { ...reply, additionals: [] };
  const fewerExtras = mostThatFit(reply.additionals.length, limitBytes, (count) =>
    encodeMessage(query, reply, { ...reply, additionals: reply.additionals.slice(0, count) }, false),
  );
  if (fewerExtras) return fewerExtras;
  const fewerAuthorities = mostThatFit(reply.authorities.length, limitBytes, (count) =>
    encodeMessage(query, reply, { ...withoutExtras, authorities: reply.authorities.slice(0, count) }, false),
  );
  if (fewerAuthorities) return fewerAuthorities;
  const fewerAnswers = mostThatFit(reply.answers.length, limitBytes, (count) => {
    const answers = reply.answers.slice(0, count);
    return encodeMessage(query, reply, { answers, authorities: [], additionals: [] }, true);
  });
  return fewerAnswers ?? encodeMessage(query, reply, { answers: [], authorities: [], additionals: [] }, true);
}

/** The message of the largest count below `count` that fits, by halving. */
function mostThatFit(
  count: number,
  limitBytes: number,
  encode: (count: number) => Uint8Array,
): Uint8Array | undefined {
  let best: Uint8Array | undefined;
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const bytes = encode(middle);
    if (bytes.length <= limitBytes) {
      best = bytes;
      low = middle + 1;
    } else high = middle - 1;
  }
  return best;
}

function encodeMessage(query: DnsQuery, reply: DnsReply, sections: Sections, truncated: boolean): Uint8Array {
  const writer = new MessageWriter();
  const rcode = RCODES[reply.rcode];
  const flags =
    RESPONSE |
    (query.flags & ECHOED_FLAGS) |
    (reply.authoritative ? AUTHORITATIVE : 0) |
    (truncated ? TRUNCATED : 0) |
    (reply.recursionAvailable ? RECURSION_AVAILABLE : 0) |
    (rcode & 0xf);
  const { answers, authorities, additionals } = sections;
  const extras = additionals.length + (query.edns ? 1 : 0);
  const questions = query.questionBytes.length > 0 ? 1 : 0;
  for (const value of [query.id, flags, questions, answers.length, authorities.length, extras])
    writer.u16(value);
  writer.question(query.questionBytes, query.question?.name);
  for (const record of [...answers, ...authorities, ...additionals]) writer.record(record);
  if (query.edns) writer.opt(query.edns, rcode >> 4);
  return writer.bytes();
}

/** Writes a message with its names compressed, as RFC 1035 section 4.1.4 and RFC 2782 allow. */
class MessageWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;
  /** Where a name, in lower case, was written first. */
  readonly #names = new Map<string, number>();

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  u16(value: number): void {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16BE(value & 0xffff, this.#length);
  }

  #u32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }

  question(bytes: Uint8Array, name: string | undefined): void {
    if (name !== undefined && !name.includes("\\")) this.#remember(name.toLowerCase(), HEADER_BYTES);
    this.#raw(bytes);
  }

  /** Every parent of a name can be pointed to as well. */
  #remember(name: string, offset: number): void {
    let at = offset;
    let rest = name;
    while (rest !== "" && at <= FURTHEST_POINTER) {
      if (this.#names.has(rest)) return;
      this.#names.set(rest, at);
      const dot = rest.indexOf(".");
      if (dot < 0) return;
      at += dot + 1;
      rest = rest.slice(dot + 1);
    }
  }

  /** Owner names equal to the question, but for case, so repeat the question's own spelling. */
  #name(name: string, compress = true): void {
    const labels = nameLabels(name) ?? [];
    const plain = compress && !name.includes("\\") && labels.every((label) => isAscii(label));
    let rest = (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
    for (const label of labels) {
      const known = plain ? this.#names.get(rest) : undefined;
      if (known !== undefined) return this.u16(0xc000 | known);
      if (plain && this.#length <= FURTHEST_POINTER) this.#names.set(rest, this.#length);
      this.#room(label.length + 1);
      this.#buffer[this.#length++] = label.length;
      this.#raw(label);
      rest = rest.slice(label.length + 1);
    }
    this.#room(1);
    this.#buffer[this.#length++] = 0;
  }

  record(record: Answer): void {
    this.#name(record.name);
    this.u16(recordTypeNumber(record.type) ?? 0);
    this.u16(CLASS_IN);
    this.#u32("ttl" in record ? (record.ttl ?? 0) : 0);
    const lengthAt = this.#length;
    this.u16(0);
    this.#rdata(record);
    this.#buffer.writeUInt16BE(this.#length - lengthAt - 2, lengthAt);
  }

  #rdata(record: Answer): void {
    switch (record.type) {
      case "A":
        if (isIPv4(record.data)) return this.#raw(Uint8Array.from(record.data.split("."), Number));
        break;
      case "CNAME":
      case "NS":
      case "PTR":
        return this.#name(record.data);
      case "SRV":
        for (const value of [record.data.priority, record.data.weight, record.data.port])
          this.u16(value ?? 0);
        return this.#name(record.data.target, false);
      case "MX":
        this.u16(record.data.preference ?? 0);
        return this.#name(record.data.exchange);
      case "SOA": {
        const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
        this.#name(mname);
        this.#name(rname);
        for (const value of [serial, refresh, retry, expire, minimum]) this.#u32(value ?? 0);
        return;
      }
      default:
        break;
    }
    this.#raw(otherRdata(record));
  }

  // Upstream: coredns request.go SizeAndDo.
  /** The asker's own OPT record comes back, with its cookie. */
  opt(edns: Edns, extendedRcode: number): void {
    this.#raw(Uint8Array.of(0));
    this.u16(TYPE_OPT);
    this.u16(edns.udpBytes);
    this.#u32((extendedRcode << 24) | (edns.dnssecOk ? DNSSEC_OK : 0));
    const echoed = edns.options.filter(({ code }) => code === COOKIE_OPTION);
    this.u16(echoed.reduce((sum, { bytes }) => sum + 4 + bytes.length, 0));
    for (const { code, bytes } of echoed) {
      this.u16(code);
      this.u16(bytes.length);
      this.#raw(bytes);
    }
  }
}

const isAscii = (label: Uint8Array): boolean => label.every((byte) => byte < 128);

const RDATA_OF_ONLY_ANSWER = HEADER_BYTES + 11;

/** As the library writes it: the end of a message that has only this record, owned by the root. */
function otherRdata(record: Answer): Uint8Array {
  const data: unknown = "data" in record ? record.data : undefined;
  if (/^(TYPE|UNKNOWN_)/.test(record.type)) return data instanceof Uint8Array ? data : new Uint8Array();
  return encode({ type: "response", answers: [{ ...record, name: "." } as Answer] }).subarray(
    RDATA_OF_ONLY_ANSWER,
  );
}
