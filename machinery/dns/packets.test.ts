import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { encode } from "dns-packet";
import { silentLogger } from "../api/logger.js";
import { VirtualNetwork } from "../network/virtual-network.js";
import { DnsServer } from "./dns-server.js";
import { kubernetes } from "./plugins/kubernetes.js";
import { decodeQuery } from "./query.js";
import { emptyReply, RCODES } from "./reply.js";
import { aService, aSlice, aView } from "./testing.js";
import { seededRng } from "../runtime/seeded-rng.js";
import { systemClock } from "../runtime/system-clock.js";

// A name server is open to everyone in the cluster: whatever bytes come, it answers as the standard says or not at all.

const SEED = 20_260_101;
const view = {
  ...aView(
    [
      aService("web", { clusterIP: "10.96.1.2" }),
      aService("db", { clusterIP: "None" }),
      aService("loop", { type: "ExternalName", externalName: "loop.default.svc.cluster.local" }),
    ],
    [aSlice("db", [{ addresses: ["10.244.0.7"], hostname: "db-0", conditions: { ready: true } }])],
  ),
  hasSynced: () => true,
};
const options = {
  zones: ["cluster.local", "in-addr.arpa", "ip6.arpa"],
  domain: "cluster.local",
  ttlSeconds: 5,
  pods: "insecure" as const,
  endpointPodNames: false,
  ignoreEmptyServices: false,
  localIPs: ["10.244.0.2"],
  fallthrough: undefined,
};
const refused = () => emptyReply("REFUSED");
const handler = kubernetes(options, { view, serial: () => 1, lookup: refused })(refused);

/** One name server and a socket that asks it, on a network without anything between. */
function aServer() {
  const clock = systemClock();
  const network: VirtualNetwork = new VirtualNetwork({
    clock,
    rng: seededRng("packets"),
    uplink: {
      dial: () => Promise.reject(new Error("UDP only")),
      sendDatagram: (from, to, bytes) => network.acceptDatagram(from, to, bytes),
    },
  });
  const errors: unknown[] = [];
  const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
  const server = new DnsServer({ network: network.addHost("10.244.0.2"), answer: handler, clock, logger });
  const served = server.run();
  const socket = network.addHost("10.244.0.3").bindUdp(0);
  return { server, served, socket, errors };
}

const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 6 });
const wireName = labels.map((parts) => [...parts.flatMap((part) => [part.length, ...part]), 0]);
const pointer = fc.nat(0x3fff).map((offset) => [0xc0 | (offset >> 8), offset & 0xff]);
const knownName = fc
  .constantFrom(
    "web.default.svc.cluster.local",
    "db-0.db.default.svc.cluster.local",
    "loop.default.svc.cluster.local",
  )
  .map((name) => [...name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]), 0]);
const u16 = fc.nat(0xffff).map((value) => [value >> 8, value & 0xff]);
const mostlyZero = fc.oneof({ weight: 4, arbitrary: fc.constant([0, 0]) }, u16);
const mostlyOne = fc.oneof({ weight: 6, arbitrary: fc.constant([0, 1]) }, u16);
const aName = fc.oneof(
  knownName,
  wireName,
  pointer,
  fc.tuple(wireName, pointer).map(([a, b]) => [...a.slice(0, -1), ...b]),
);
const flags = fc.oneof({ weight: 3, arbitrary: fc.constant([1, 0]) }, u16);
const question = fc.tuple(aName, mostlyOne, mostlyOne).map((parts) => parts.flat());
const record = fc
  .tuple(aName, u16, u16, u16, u16, mostlyZero, fc.uint8Array({ maxLength: 40 }))
  .map((parts) => parts.flatMap((part) => [...part]));
const packet = fc
  .tuple(
    u16,
    flags,
    mostlyOne,
    mostlyZero,
    mostlyZero,
    mostlyZero,
    fc.array(fc.oneof(question, record), { maxLength: 4 }),
  )
  .map(([id, flag, qd, an, ns, ar, body]) =>
    Uint8Array.from([...id, ...flag, ...qd, ...an, ...ns, ...ar, ...body.flat()]),
  );
const opt = encode({
  type: "query",
  id: 7,
  flags: 0x100,
  questions: [{ type: "SRV", name: "_https._tcp.db.default.svc.cluster.local" }],
  additionals: [{ type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [] } as never],
});
/** A good packet with some bytes changed and its end cut off. */
const damaged = fc
  .tuple(fc.array(fc.tuple(fc.nat(opt.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(opt.length))
  .map(([changes, length]) => {
    const bytes = Uint8Array.from(opt);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes.subarray(0, length);
  });
const large = fc
  .tuple(fc.uint8Array({ minLength: 12, maxLength: 64 }), fc.integer({ min: 512, max: 65_535 }))
  .map(([head, length]) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += head.length) bytes.set(head.subarray(0, length - at), at);
    return bytes;
  });
const anything = fc.oneof(packet, damaged, fc.uint8Array({ maxLength: 600 }), large);
const CODES = new Set<number>(Object.values(RCODES));

test("whatever bytes come, each gets one well-formed answer or none, and a good question after it is answered", async () => {
  const { server, served, socket, errors } = aServer();
  const address = { ip: "10.244.0.2", port: 53 };
  const good = encode({
    type: "query",
    id: 9999,
    flags: 0,
    questions: [{ type: "A", name: "web.default.svc.cluster.local" }],
  });
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      const query = decodeQuery(bytes);
      socket.send(address, bytes);
      socket.send(address, good);
      const answers: Uint8Array[] = [];
      do {
        const datagram = await socket.receive();
        if (datagram) answers.push(datagram.bytes);
      } while (answers.length < (query ? 2 : 1));
      const [last = new Uint8Array()] = answers.slice(-1);
      expect([(last[0] ?? 0) * 256 + (last[1] ?? 0), last[3]]).toEqual([9999, 0]);
      if (!query) return;
      const [first = new Uint8Array()] = answers;
      expect(first.subarray(0, 2)).toEqual(new Uint8Array(bytes.subarray(0, 2)));
      expect((first[2] ?? 0) & 0x80).toBe(0x80);
      expect(CODES.has((first[3] ?? 0) & 0xf)).toBe(true);
      expect(first.length).toBeLessThanOrEqual(Math.max(512, query.edns?.udpBytes ?? 0));
    }),
    { numRuns: 3000, seed: SEED },
  );
  expect(errors).toEqual([]);
  server.stop();
  await served;
});

test("large packets made to be slow are refused at once", () => {
  const worst = [
    Uint8Array.from({ length: 65_535 }, (_, i) =>
      i < 12 ? ([0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 2][i] ?? 0) : 0xc0,
    ),
    Uint8Array.from({ length: 65_535 }, (_, i) =>
      i < 12 ? ([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 2][i] ?? 0) : i % 2 === 0 ? 1 : 97,
    ),
    Uint8Array.from({ length: 65_535 }, (_, i) =>
      i < 12 ? ([0, 1, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255][i] ?? 0) : 0,
    ),
  ];
  const clock = systemClock();
  const startedAtMs = clock.monotonicMs();
  for (let i = 0; i < 300; i++)
    for (const bytes of worst) expect(decodeQuery(bytes)?.refusal).toBe("FORMERR");
  expect(clock.monotonicMs() - startedAtMs).toBeLessThan(900);
});

test.each([
  [
    "two questions",
    {
      questions: [
        { type: "A" as const, name: "a" },
        { type: "A" as const, name: "b" },
      ],
    },
    "FORMERR",
  ],
  ["no question", { questions: [] }, "FORMERR"],
  ["a status request", { flags: 2 << 11, questions: [{ type: "A" as const, name: "a" }] }, "NOTIMP"],
  ["an update", { flags: 5 << 11, questions: [{ type: "SOA" as const, name: "cluster.local" }] }, "NOTIMP"],
  [
    "class CHAOS",
    { questions: [{ type: "TXT" as const, name: "version.bind", class: "CH" as const }] },
    "REFUSED",
  ],
  ["class ANY", { questions: [{ type: "A" as const, name: "a", class: "ANY" as const }] }, "REFUSED"],
])("%s is refused by the standard's code", (_, changed, refusal) => {
  expect(decodeQuery(encode({ type: "query", id: 1, ...changed }))?.refusal).toBe(refusal);
});
