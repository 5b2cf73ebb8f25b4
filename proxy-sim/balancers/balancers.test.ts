import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { backendKey } from "../dataplane/route-entry.js";
import type { Backend } from "../dataplane/table.js";
import { aBackend } from "../dataplane/testing.js";
import { type NewConnection, newBalancerState } from "./balancer.js";
import { balancerNamed, balancers } from "./balancers.js";
import { foldedAddress } from "./hashing.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Opens connections one after the other; none of them ends unless a test closes it. */
function aNode(name: string, seed = "node") {
  const balancer = balancerNamed(name);
  if (!balancer) throw new Error(`no balancer ${name}`);
  const state = newBalancerState(seededRng(seed));
  const active = new Map<string, number>();
  const connection: NewConnection = {
    clientIp: "10.244.1.9",
    destinationIp: "10.96.0.10",
    nowMs: 0,
    active: (backend) => active.get(backendKey(backend)) ?? 0,
  };
  return {
    active,
    open(backends: readonly Backend[], at: Partial<NewConnection> = {}): string {
      const picked = balancer.pick(backends, state, { ...connection, ...at });
      active.set(backendKey(picked), connection.active(picked) + 1);
      return picked.ip;
    },
    close(ip: string): void {
      active.set(`${ip}:8080`, (active.get(`${ip}:8080`) ?? 0) - 1);
    },
  };
}

const times = <T>(count: number, each: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => each(i));
const weighted = (...weights: number[]): Backend[] =>
  weights.map((weight, i) => aBackend(`10.244.0.${i + 1}`, { weight }));
const last = (ips: readonly string[]): string => ips.map((ip) => ip.split(".")[3]).join("");
const clientNumber = (i: number): string => `10.244.${i >> 8}.${i & 255}`;

test("ipvs takes its scheduler's turns, with no memory of what has ended", () => {
  const turns = (name: string, ...weights: number[]): string => {
    const node = aNode(name);
    const backends = weighted(...weights);
    return last(times(8, () => node.open(backends)));
  };
  expect(turns("ipvs-rr", 1, 1, 1)).toBe("12312312");
  expect(turns("ipvs-rr", 1, 0, 1)).toBe("13131313");
  expect(turns("ipvs-wrr", 1, 1, 1)).toBe("12312312");
  expect(turns("ipvs-wrr", 4, 3, 2)).toBe("11212312");
  expect(turns("ipvs-lc", 5, 1)).toBe("12121212");
  expect(turns("ipvs-wlc", 3, 1)).toBe("12111211");
  expect(turns("ipvs-sed", 3, 1)).toBe("11121112");
  expect(turns("ipvs-nq", 3, 1)).toBe("12111112");
  expect(turns("ipvs-dh", 1, 1, 1)).toMatch(/^(\d)\1{7}$/);
  expect(turns("userspace", 1, 1)).toBe("12121212");
});

test("least connections fills the endpoint whose connections ended", () => {
  const node = aNode("ipvs-lc");
  const backends = weighted(1, 1, 1);
  times(6, () => node.open(backends));
  node.close("10.244.0.2");
  expect(last([node.open(backends), node.open(backends)])).toBe("21");
});

test("lblc keeps a Service's address with one endpoint until it is overloaded while another idles", () => {
  const node = aNode("ipvs-lblc");
  const backends = weighted(3, 3);
  expect(last(times(5, () => node.open(backends)))).toBe("11112");
  expect(last([node.open(backends.slice(0, 1))])).toBe("1");
});

test("lblcr gives an overloaded endpoint another beside it, and takes the busiest away after a day", () => {
  const node = aNode("ipvs-lblcr");
  const backends = weighted(1, 1);
  expect(last(times(4, () => node.open(backends)))).toBe("1122");
  node.close("10.244.0.1");
  expect(last([node.open(backends)])).toBe("1");
  node.active.set("10.244.0.2:8080", 9);
  node.open(backends, { nowMs: DAY_MS + 1 });
  node.active.set("10.244.0.2:8080", 1);
  expect(last([node.open(backends, { nowMs: DAY_MS + 2 })])).toBe("1");
});

test("source hash and maglev hold each client to one endpoint and use them all", () => {
  for (const name of ["ipvs-sh", "ipvs-mh"]) {
    const node = aNode(name);
    const backends = weighted(1, 1, 1, 1);
    const first = times(500, (i) => node.open(backends, { clientIp: clientNumber(i) }));
    const second = times(500, (i) => node.open(backends, { clientIp: clientNumber(i) }));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBe(4);
  }
});

test("when one of ten endpoints goes, maglev moves few other clients and source hash moves most", () => {
  const movedBy = (name: string): number => {
    const node = aNode(name);
    const ten = weighted(...times(10, () => 1));
    const nine = ten.slice(1);
    const clients = times(1000, clientNumber).filter(
      (clientIp) => node.open(ten, { clientIp }) !== "10.244.0.1",
    );
    return (
      clients.filter((clientIp) => node.open(ten, { clientIp }) !== node.open(nine, { clientIp })).length /
      clients.length
    );
  };
  expect(movedBy("ipvs-mh")).toBeLessThan(0.25);
  expect(movedBy("ipvs-sh")).toBeGreaterThan(0.5);
});

test("an IPv6 address is folded to 32 bits for the hash, as the kernel does", () => {
  expect(foldedAddress("10.0.0.1")).toBe(0x0a000001);
  expect(foldedAddress("fd00:1:2:3:4:5:6:7")).toBe((0xfd000001 ^ 0x00020003 ^ 0x00040005 ^ 0x00060007) >>> 0);
  expect(foldedAddress("fd00::7")).toBe((0xfd000000 ^ 0x7) >>> 0);
  expect(foldedAddress("::1")).toBe(1);
});

/** Chance or turns: of modes that spread connections evenly, every endpoint gets its share within five deviations. */
test.each([
  "iptables",
  "nftables",
  "ipvs-rr",
  "ipvs-wrr",
  "ipvs-lc",
  "ipvs-wlc",
  "ipvs-sed",
  "ipvs-nq",
  "userspace",
])("%s gives every endpoint a fair share of many connections", (name) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.string(), (count, seed) => {
      const node = aNode(name, seed);
      const backends = weighted(...times(count, () => 1));
      const total = 400 * count;
      const counts = new Map<string, number>();
      for (const ip of times(total, () => node.open(backends))) counts.set(ip, (counts.get(ip) ?? 0) + 1);
      const deviation = Math.sqrt(400 * (1 - 1 / count));
      for (const { ip } of backends)
        expect(Math.abs((counts.get(ip) ?? 0) - 400)).toBeLessThan(5 * deviation);
    }),
    { numRuns: 15, seed: 7 },
  );
});

test.each(balancers.map(({ name }) => name))(
  "%s only ever picks one of the endpoints it was given",
  (name) => {
    const change = fc.record({
      present: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      client: fc.ipV4(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 6, maxLength: 6 }),
        fc.array(change),
        (weights, steps) => {
          const node = aNode(name);
          const all = weighted(...weights);
          for (const { present, client } of steps) {
            const backends = all.filter((_, i) => present[i]);
            if (backends.length === 0) continue;
            const ip = node.open(backends, { clientIp: client });
            expect(backends.map((backend) => backend.ip)).toContain(ip);
            const someWilling = backends.some(({ weight }) => weight > 0);
            const picked = backends.find((backend) => backend.ip === ip);
            if (someWilling && name.startsWith("ipvs")) expect(picked?.weight).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 50, seed: 11 },
    );
  },
);
