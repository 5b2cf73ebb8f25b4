import { expect, test } from "@jest/globals";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import { encodeReply } from "./message.js";
import { addressOfReverseName, nameLabels, readName, reverseName } from "./names.js";
import { decodeQuery, type DnsQuery, udpLimitOf } from "./query.js";
import { type DnsReply, emptyReply } from "./reply.js";

const NAME = "Web.default.svc.cluster.local";

function aQuery(packet: Partial<Packet> = {}): DnsQuery {
  const bytes = encode({
    type: "query",
    id: 7,
    flags: 0x100,
    questions: [{ type: "A", name: NAME }],
    ...packet,
  });
  const query = decodeQuery(bytes);
  if (!query) throw new Error("no query");
  return query;
}
const opt = (udpPayloadSize: number, changed: object = {}): Answer =>
  ({
    type: "OPT",
    name: ".",
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    options: [],
    ...changed,
  }) as unknown as Answer;
const addresses = (count: number): Answer[] =>
  Array.from({ length: count }, (_, i) => ({ type: "A", name: NAME, ttl: 30, data: `10.0.0.${i}` }));
const withAnswers = (answers: Answer[], more: Partial<DnsReply> = {}): DnsReply => ({
  ...emptyReply("NOERROR", true),
  answers,
  ...more,
});
const sent = (query: DnsQuery, reply: DnsReply, limit: number) =>
  decode(Buffer.from(encodeReply(query, reply, limit)));

test("the question comes back bit for bit, and answers repeat its case (0x20)", () => {
  const answer = sent(
    aQuery(),
    withAnswers(addresses(1).map((a) => ({ ...a, name: NAME.toLowerCase() }) as Answer)),
    512,
  );
  expect(answer.questions).toEqual([{ name: NAME, type: "A", class: "IN" }]);
  expect(answer.answers).toMatchObject([{ name: NAME, ttl: 30, data: "10.0.0.0" }]);
  expect(answer).toMatchObject({ id: 7, flag_aa: true, flag_rd: true, flag_ra: false, rcode: "NOERROR" });
});

test("names are compressed: thirty addresses fit into a datagram of 512 bytes", () => {
  expect(encodeReply(aQuery(), withAnswers(addresses(28)), 512)).toHaveLength(
    12 + NAME.length + 2 + 4 + 28 * 16,
  );
  const all: Answer[] = [
    { type: "CNAME", name: NAME, ttl: 5, data: "a.default.svc.cluster.local" },
    {
      type: "SRV",
      name: NAME,
      ttl: 5,
      data: { priority: 0, weight: 1, port: 80, target: "b.default.svc.cluster.local" },
    },
    { type: "MX", name: NAME, ttl: 5, data: { preference: 10, exchange: "mail.cluster.local" } },
    { type: "AAAA", name: "a.default.svc.cluster.local", ttl: 5, data: "2001:db8::1" },
    { type: "TXT", name: NAME, ttl: 5, data: [Buffer.from("1.1.0")] },
    { type: "PTR", name: "1.0.0.10.in-addr.arpa", ttl: 5, data: NAME.toLowerCase() },
    { type: "CAA", name: "cluster.local", ttl: 5, data: { flags: 0, tag: "issue", value: "ca.example" } },
  ];
  const answer = sent(aQuery(), withAnswers(all), 512);
  const ends = (answer.answers ?? []).map((record) => ("data" in record ? record.data : ""));
  expect(ends).toEqual([
    "a.default.svc.cluster.local",
    { priority: 0, weight: 1, port: 80, target: "b.default.svc.cluster.local" },
    { preference: 10, exchange: "mail.cluster.local" },
    "2001:db8::1",
    [Buffer.from("1.1.0")],
    NAME,
    expect.objectContaining({ tag: "issue", value: "ca.example" }),
  ]);
});

test("an answer that does not fit is cut to the records that do, and marked; without extras it is whole", () => {
  const cut = sent(aQuery(), withAnswers(addresses(200)), 512);
  expect(cut.flag_tc).toBe(true);
  expect(cut.answers).toHaveLength(29);
  expect(encodeReply(aQuery(), withAnswers(addresses(200)), 512).length).toBeLessThanOrEqual(512);
  expect(sent(aQuery(), withAnswers(addresses(200)), 65_535)).toMatchObject({ flag_tc: false });
  const extras = sent(aQuery(), withAnswers(addresses(20), { additionals: addresses(100) }), 512);
  expect(extras.flag_tc).toBe(false);
  expect(extras.answers).toHaveLength(20);
  expect(extras.additionals).toHaveLength(9);
});

test("EDNS: the size asked for counts from 512 up, the OPT record comes back with DO and cookie", () => {
  expect(udpLimitOf(aQuery())).toBe(512);
  expect(udpLimitOf(aQuery({ additionals: [opt(100)] }))).toBe(512);
  expect(udpLimitOf(aQuery({ additionals: [opt(4096)] }))).toBe(4096);
  expect(udpLimitOf(aQuery({ additionals: [opt(4096)] }), 1232)).toBe(1232);
  const cookie = { code: 10, type: "COOKIE", data: Buffer.from("12345678") };
  const query = aQuery({ additionals: [opt(1232, { flags: 0x8000, flag_do: true, options: [cookie] })] });
  expect(query.edns).toMatchObject({ version: 0, dnssecOk: true, udpBytes: 1232 });
  const [back] = sent(query, withAnswers(addresses(1)), 512).additionals ?? [];
  expect(back).toMatchObject({ type: "OPT", udpPayloadSize: 1232, ednsVersion: 0, flag_do: true });
  expect(back).toMatchObject({ options: [{ code: 10, data: Buffer.from("12345678") }] });
  expect(sent(aQuery(), withAnswers([]), 512).additionals).toEqual([]);
});

test("an unknown EDNS version is answered with BADVERS and the version that is known", () => {
  const query = aQuery({ additionals: [opt(1232, { ednsVersion: 1 })] });
  expect(query.refusal).toBe("BADVERS");
  const answer = sent(query, emptyReply("BADVERS"), 512);
  expect(answer.additionals).toMatchObject([{ type: "OPT", extendedRcode: 1, ednsVersion: 0 }]);
  expect((answer.flags ?? 0) & 0xf).toBe(0); // the upper half of BADVERS is in the OPT record
});

test("what is no question of class IN is refused as CoreDNS refuses it", () => {
  expect(decodeQuery(new Uint8Array(11))).toBeUndefined();
  expect(decodeQuery(Uint8Array.of(0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0))).toBeUndefined();
  const header = (opcode: number, counts: readonly number[]): Uint8Array =>
    Uint8Array.of(0, 1, opcode << 3, 0, ...counts.flatMap((count) => [count >> 8, count & 0xff]));
  expect(decodeQuery(header(2, [1, 0, 0, 0]))?.refusal).toBe("NOTIMP");
  expect(decodeQuery(header(0, [0, 0, 0, 0]))?.refusal).toBe("FORMERR");
  expect(decodeQuery(header(0, [2, 0, 0, 0]))?.refusal).toBe("FORMERR");
  expect(decodeQuery(header(0, [1, 0, 0, 9]))?.refusal).toBe("FORMERR");
  expect(aQuery({ questions: [{ type: "TXT", name: "version.bind", class: "CH" }] }).refusal).toBe("REFUSED");
  const refused = sent(
    aQuery({ questions: [{ type: "A", name: "x", class: "CH" }] }),
    emptyReply("REFUSED"),
    512,
  );
  expect(refused).toMatchObject({ rcode: "REFUSED", questions: [{ name: "x", class: "CH" }] });
});

test("names that point at themselves, forwards, or run out of the message are no names", () => {
  const at = (...bytes: number[]): Uint8Array =>
    Uint8Array.of(...Array.from({ length: 12 }, () => 0), ...bytes);
  expect(readName(at(0xc0, 12), 12)).toBeUndefined();
  expect(readName(at(0xc0, 14, 0), 12)).toBeUndefined();
  expect(readName(at(1, 97, 0xc0, 12), 12)).toBeUndefined();
  expect(readName(at(5, 97), 12)).toBeUndefined();
  expect(readName(at(0x80), 12)).toBeUndefined();
  expect(readName(at(1, 97, 0, 0xc0, 12), 15)).toMatchObject({ text: "a", end: 17 });
  const longest = [
    ...Array.from({ length: 4 }, () => [63, ...Array.from({ length: 63 }, () => 97)]).flat(),
    0,
  ];
  expect(readName(at(...longest), 12)).toBeUndefined();
});

test("labels of any bytes are written as they were read", () => {
  const labels = Uint8Array.of(3, 46, 92, 200, 1, 65, 0);
  const name = readName(labels, 0);
  expect(name?.text).toBe("\\.\\\\\\200.A");
  expect(nameLabels(name?.text ?? "")).toEqual([Uint8Array.of(46, 92, 200), Uint8Array.of(65)]);
  expect(nameLabels("a..b")).toBeUndefined();
  expect(nameLabels("a".repeat(64))).toBeUndefined();
});

test("addresses and the names of their PTR records belong together", () => {
  for (const ip of ["10.96.0.1", "2001:db8::1", "::1", "fd00:10:244::7"]) {
    expect(addressOfReverseName(reverseName(ip))).toBe(ip);
  }
  for (const name of [
    "1.2.3.in-addr.arpa",
    "256.1.1.1.in-addr.arpa",
    "01.1.1.1.in-addr.arpa",
    "1.ip6.arpa",
  ]) {
    expect(addressOfReverseName(name)).toBeUndefined();
  }
});
