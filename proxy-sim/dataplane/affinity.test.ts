import { expect, test } from "@jest/globals";
import { ALL_MODES } from "../verdict-cases.js";
import { type AffineClient, newAffinityTable } from "./affinity.js";
import { aBackend, aRoute } from "./testing.js";

const [a, b] = [aBackend("10.244.1.2"), aBackend("10.244.1.3")];
const route = aRoute("default/web", { backends: [a, b], sessionAffinitySeconds: 60 });

const client = (number: number, more: Partial<AffineClient> = {}): AffineClient => ({
  servicePort: "default/web",
  clientIp: `192.0.2.${number}`,
  destination: "10.96.0.10:80",
  timeoutSeconds: 60,
  nowMs: 0,
  ...more,
});

test.each(ALL_MODES)("%s holds a client to its endpoint until its time is over", (mode) => {
  const table = newAffinityTable(mode);
  expect(table.lookup(client(1), [a, b])).toBeUndefined();
  table.remember(client(1), b);
  expect(table.lookup(client(1, { nowMs: 59_999 }), [a, b])).toBe(b);
  expect(table.lookup(client(2), [a, b])).toBeUndefined();
  expect(table.lookup(client(1), [a])).toBeUndefined();
  expect(table.lookup(client(1, { nowMs: 60_000 }), [a, b])).toBeUndefined();
});

test("iptables remembers a hundred clients for each endpoint: the next one costs the oldest its place", () => {
  const table = newAffinityTable("iptables");
  for (let number = 1; number <= 100; number++) table.remember(client(number), a);
  table.remember(client(1), a);
  table.remember(client(101), b);
  expect([1, 2, 100, 101].map((number) => table.lookup(client(number), [a, b]))).toEqual([a, a, a, b]);
  table.remember(client(102), a);
  expect([1, 2, 3, 102].map((number) => table.lookup(client(number), [a, b])?.ip)).toEqual([
    a.ip,
    undefined,
    a.ip,
    a.ip,
  ]);
});

test("a full nftables set takes nobody until somebody's time is over", () => {
  const table = newAffinityTable("nftables");
  const at = (number: number, nowMs: number) =>
    client(0, { clientIp: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, nowMs });
  for (let number = 0; number < 65_535; number++) table.remember(at(number, number === 0 ? 0 : 1000), a);
  table.remember(at(65_535, 2000), a);
  expect(table.lookup(at(65_535, 2000), [a])).toBeUndefined();
  expect(table.lookup(at(0, 2000), [a])).toBe(a);
  table.remember(at(65_535, 60_500), a);
  expect(table.lookup(at(65_535, 60_500), [a])).toBe(a);
});

test("an endpoint's list goes with its chain; the other modes know its clients when it comes back", () => {
  for (const mode of ALL_MODES) {
    const table = newAffinityTable(mode);
    table.remember(client(1), a);
    table.follow("default/web", { ...route, backends: [b] });
    table.follow("default/web", route);
    const isListed = mode === "iptables" || mode === "nftables";
    expect([mode, table.lookup(client(1), [a, b])]).toEqual([mode, isListed ? undefined : a]);
  }
});

test("ipvs holds a client for each address that it dials, the others for the whole Service", () => {
  for (const mode of ALL_MODES) {
    const table = newAffinityTable(mode);
    table.remember(client(1), b);
    const byNodePort = table.lookup(client(1, { destination: "172.18.0.3:30080" }), [a, b]);
    expect([mode, byNodePort]).toEqual([mode, mode === "ipvs" ? undefined : b]);
  }
});
