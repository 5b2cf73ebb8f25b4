import { decode, encode, type Packet } from "dns-packet";
import { isIpAddress } from "../network/resolv-conf.js";
import { type DnsQuestion, type DnsReply, emptyReply } from "./reply.js";

const RCODES: Readonly<Record<DnsReply["rcode"], number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x400;
const TRUNCATED = 0x200;
const RECURSION_DESIRED = 0x100;
const SMALLEST_UDP_BYTES = 512;
const HEADER_BYTES = 12;

export interface DnsQuery {
  id: number;
  flags: number;
  /** As it was sent, to be repeated in the answer. */
  question: DnsQuestion | undefined;
  /** What the asker can take over UDP. */
  udpBytes: number;
  usesEdns: boolean;
  /** Why it cannot be answered. */
  refusal: "FORMERR" | "NOTIMP" | undefined;
}

/** Undefined for bytes that get no answer at all: too short for a header, or an answer itself. */
export function decodeQuery(bytes: Uint8Array): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = view.getUint16(0);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) !== 0) return undefined;
  const base = { id, flags, udpBytes: SMALLEST_UDP_BYTES, usesEdns: false, question: undefined };
  if (((flags >> 11) & 0xf) !== 0) return { ...base, refusal: "NOTIMP" };
  let packet: Packet;
  try {
    packet = decode(Buffer.from(bytes));
  } catch {
    return { ...base, refusal: "FORMERR" }; // the library throws all kinds of errors for broken messages
  }
  const [question] = packet.questions ?? [];
  if (packet.questions?.length !== 1 || !question) return { ...base, refusal: "FORMERR" };
  const options = packet.additionals?.find((record) => record.type === "OPT");
  const udpBytes = options && "udpPayloadSize" in options ? options.udpPayloadSize : SMALLEST_UDP_BYTES;
  return {
    id,
    flags,
    question: { name: question.name === "." ? "" : question.name, type: question.type },
    udpBytes: Math.max(SMALLEST_UDP_BYTES, udpBytes),
    usesEdns: options !== undefined,
    refusal: undefined,
  };
}

/** The answer as bytes; with `limitBytes` it is cut and marked so that the asker comes again over TCP. */
export function encodeReply(query: DnsQuery, reply: DnsReply, limitBytes: number): Uint8Array {
  const flags = RESPONSE | (query.flags & RECURSION_DESIRED) | (reply.authoritative ? AUTHORITATIVE : 0);
  const whole = encodeMessage(query, reply, flags);
  if (whole.length <= limitBytes) return whole;
  const bare = encodeMessage(query, { ...reply, additionals: [] }, flags);
  if (bare.length <= limitBytes) return bare;
  return encodeMessage(
    query,
    { ...emptyReply(reply.rcode), authoritative: reply.authoritative },
    flags | TRUNCATED,
  );
}

function encodeMessage(query: DnsQuery, reply: DnsReply, flags: number): Uint8Array {
  const compact = query.usesEdns ? undefined : encodeAddresses(query, reply, flags);
  if (compact) return compact;
  const { question } = query;
  return encode({
    type: "response",
    id: query.id,
    flags: (flags & 0x7ff0) | RCODES[reply.rcode],
    questions: question ? [{ name: question.name, type: question.type as "A", class: "IN" }] : [],
    answers: reply.answers,
    authorities: reply.authorities,
    additionals: [
      ...reply.additionals,
      ...(query.usesEdns
        ? [
            {
              type: "OPT" as const,
              name: ".",
              udpPayloadSize: 1232,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ]
        : []),
    ],
  });
}

/**
 * Address answers with the owner's name compressed, which the library does not do: thirty of them fit into a datagram
 * as they do with a real server. Undefined when the reply has anything else.
 */
function encodeAddresses({ id, question }: DnsQuery, reply: DnsReply, flags: number): Uint8Array | undefined {
  const { answers, authorities, additionals } = reply;
  if (!question || question.type !== "A" || answers.length === 0) return undefined;
  if (authorities.length + additionals.length > 0) return undefined;
  const labels = question.name.split(".");
  if (labels.some((label) => label.length === 0 || label.length > 63)) return undefined;
  const parts: number[] = [];
  const push16 = (value: number): number => parts.push((value >> 8) & 0xff, value & 0xff);
  for (const value of [id, flags | RCODES[reply.rcode], 1, answers.length, 0, 0]) push16(value);
  for (const label of labels) parts.push(label.length, ...Buffer.from(label, "latin1"));
  parts.push(0, 0, 1, 0, 1);
  for (const record of answers) {
    if (record.type !== "A" || record.name !== question.name || !isIpAddress(record.data)) return undefined;
    parts.push(0xc0, HEADER_BYTES, 0, 1, 0, 1);
    const ttl = record.ttl ?? 0;
    push16(ttl >>> 16);
    push16(ttl & 0xffff);
    parts.push(0, 4, ...record.data.split(".").map(Number));
  }
  return Uint8Array.from(parts);
}
