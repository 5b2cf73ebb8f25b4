import { readName } from "./names.js";
import { recordTypeName } from "./record-types.js";
import type { DnsQuestion, Rcode } from "./reply.js";

const RESPONSE = 0x8000;
const HEADER_BYTES = 12;
const SMALLEST_UDP_BYTES = 512;
const LARGEST_MESSAGE_BYTES = 65_535;
const MOST_RECORDS_BEFORE_OPT = 2;
const CLASS_IN = 1;
const TYPE_OPT = 41;
const OPCODE_QUERY = 0;
const OPCODE_NOTIFY = 4;
const DNSSEC_OK = 0x8000;

/** The OPT record of a query (RFC 6891). */
export interface Edns {
  version: number;
  dnssecOk: boolean;
  /** As the asker said, at least 512. */
  udpBytes: number;
  /** Options as they were sent. */
  options: readonly { code: number; bytes: Uint8Array }[];
}

export interface DnsQuery {
  id: number;
  flags: number;
  question: DnsQuestion | undefined;
  /** The question section as it was sent, uncompressed: repeated in the answer bit for bit. */
  questionBytes: Uint8Array;
  edns: Edns | undefined;
  /** Why it is not answered by any zone. */
  refusal: Exclude<Rcode, "NOERROR" | "NXDOMAIN" | "SERVFAIL"> | undefined;
}

// Upstream: miekg/dns acceptfunc.go; coredns core/dnsserver/server.go ServeDNS.
/** Undefined for bytes that get no answer at all: too short for a header, or an answer themselves. Never throws. */
export function decodeQuery(bytes: Uint8Array): DnsQuery | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = view.getUint16(2);
  if ((flags & RESPONSE) !== 0) return undefined;
  const bare = {
    id: view.getUint16(0),
    flags,
    question: undefined,
    questionBytes: new Uint8Array(),
    edns: undefined,
  };
  const opcode = (flags >> 11) & 0xf;
  if (opcode !== OPCODE_QUERY && opcode !== OPCODE_NOTIFY) return { ...bare, refusal: "NOTIMP" };
  const [questions = 0, answers = 0, authorities = 0, additionals = 0] = [4, 6, 8, 10].map((at) =>
    view.getUint16(at),
  );
  const broken: DnsQuery = { ...bare, flags: flags & ~0x7800, refusal: "FORMERR" };
  if (bytes.length > LARGEST_MESSAGE_BYTES || questions !== 1) return broken;
  if (answers > 1 || authorities > 1 || additionals > MOST_RECORDS_BEFORE_OPT) return broken;
  const name = readName(bytes, HEADER_BYTES);
  if (!name || name.end + 4 > bytes.length) return broken;
  const type = recordTypeName(view.getUint16(name.end));
  const edns = findOpt(bytes, view, name.end + 4, [answers + authorities, additionals]);
  if (edns === "broken") return broken;
  const questionBytes = Buffer.concat([name.bytes, bytes.subarray(name.end, name.end + 4)]);
  const query = { ...bare, question: { name: name.text, type }, questionBytes, edns };
  if (view.getUint16(name.end + 2) !== CLASS_IN) return { ...query, refusal: "REFUSED" };
  if (edns && edns.version !== 0) return { ...query, refusal: "BADVERS" };
  return { ...query, refusal: undefined };
}

/** Walks the few records that may follow the question. */
function findOpt(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  [before, additionals]: readonly [number, number],
): Edns | "broken" | undefined {
  let offset = start;
  let edns: Edns | undefined;
  for (let i = 0; i < before + additionals; i++) {
    const owner = readName(bytes, offset);
    if (!owner || owner.end + 10 > bytes.length) return "broken";
    const rdata = owner.end + 10;
    const end = rdata + view.getUint16(owner.end + 8);
    if (end > bytes.length) return "broken";
    if (i >= before && view.getUint16(owner.end) === TYPE_OPT) {
      const options = readOptions(bytes.subarray(rdata, end));
      if (edns || !options) return "broken";
      const lowFlags = view.getUint16(owner.end + 6);
      edns = {
        version: bytes[owner.end + 5] ?? 0,
        dnssecOk: (lowFlags & DNSSEC_OK) !== 0,
        udpBytes: Math.max(SMALLEST_UDP_BYTES, view.getUint16(owner.end + 2)),
        options,
      };
    }
    offset = end;
  }
  return edns;
}

function readOptions(rdata: Uint8Array): Edns["options"] | undefined {
  const options: { code: number; bytes: Uint8Array }[] = [];
  for (let offset = 0; offset < rdata.length; ) {
    const [code0 = 0, code1 = 0, length0 = 0, length1] = rdata.subarray(offset, offset + 4);
    const end = offset + 4 + (length0 << 8) + (length1 ?? 0);
    if (length1 === undefined || end > rdata.length) return undefined;
    options.push({ code: (code0 << 8) + code1, bytes: rdata.subarray(offset + 4, end) });
    offset = end;
  }
  return options;
}

/** How large an answer over UDP may be; `mostBytes` is the server's own limit (plugin `bufsize`). */
export const udpLimitOf = ({ edns }: DnsQuery, mostBytes = LARGEST_MESSAGE_BYTES): number =>
  Math.max(SMALLEST_UDP_BYTES, Math.min(edns?.udpBytes ?? SMALLEST_UDP_BYTES, mostBytes));
