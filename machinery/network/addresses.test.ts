import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addressInCidr,
  canonicalIp,
  cidrContains,
  formatAddress,
  formatIpv4,
  indexInCidr,
  ipv4Number,
  PrefixTable,
  parseAddress,
  sameIp,
} from "./addresses.js";

test("an address and its text are the same thing, IPv6 in brackets", () => {
  for (const address of [
    { ip: "10.96.0.10", port: 53 },
    { ip: "fd00::1", port: 443 },
  ])
    expect(parseAddress(formatAddress(address))).toEqual(address);
  expect(formatAddress({ ip: "fd00::1", port: 443 })).toBe("[fd00::1]:443");
  for (const text of ["10.96.0.10", "10.96.0.10:70000", "web:80", ":80", "10.96.0.300:80"])
    expect(parseAddress(text)).toBeUndefined();
});

test("two spellings of an IPv6 address are one address", () => {
  expect(sameIp("fd00:0:0:0::1", "fd00::1")).toBe(true);
  expect(sameIp("::ffff:10.0.0.1", "::ffff:a00:1")).toBe(true);
  expect(sameIp("10.0.0.1", "10.0.0.2")).toBe(false);
});

test.each([
  ["10.244.0.0/16", "10.244.255.255", true],
  ["10.244.0.0/16", "10.245.0.0", false],
  ["10.96.0.0/12", "10.111.255.1", true],
  ["10.96.0.0/12", "10.112.0.1", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["172.18.0.3", "172.18.0.3", true],
  ["fd00::/64", "fd00::1:2:3:4", true],
  ["fd00::/64", "fd00:0:0:1::", false],
  ["fd00::/64", "10.0.0.1", false],
])("%s contains %s: %s", (cidr, ip, contained) => {
  expect(cidrContains(cidr, ip)).toBe(contained);
});

test("the longest prefix wins, and a removed one leaves the next longest", () => {
  const table = new PrefixTable<string>();
  table.set("10.244.0.0/16", "cluster");
  table.set("10.244.3.0/24", "node-3");
  table.set("10.244.3.7", "pod");
  expect(["10.244.3.7", "10.244.3.8", "10.244.4.1", "10.0.0.1"].map((ip) => table.lookup(ip))).toEqual([
    "pod",
    "node-3",
    "cluster",
    undefined,
  ]);
  table.delete("10.244.3.0/24");
  expect(table.lookup("10.244.3.8")).toBe("cluster");
});

test("numbers and dotted quads convert both ways, and a range counts from its first address", () => {
  fc.assert(fc.property(fc.ipV4(), (ip) => expect(formatIpv4(ipv4Number(ip))).toBe(ip)));
  expect(addressInCidr("10.244.7.0/24", 1)).toBe("10.244.7.1");
  expect(addressInCidr("172.18.0.0/16", 300)).toBe("172.18.1.44");
  expect(addressInCidr("fd00:1::/64", 1)).toBe("fd00:1::1");
});

test("an IPv6 address has one canonical spelling, with the first longest run of zeros left out", () => {
  expect(canonicalIp("FD00:0:0:1:0:0:0:00a")).toBe("fd00:0:0:1::a");
  expect(canonicalIp("2001:db8:0:1:1:1:1:1")).toBe("2001:db8:0:1:1:1:1:1");
  expect(canonicalIp("1:0:0:2:0:0:3:4")).toBe("1::2:0:0:3:4");
  expect(["::", "::1", "10.0.0.1", "web"].map(canonicalIp)).toEqual(["::", "::1", "10.0.0.1", "web"]);
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      expect(sameIp(canonicalIp(ip), ip)).toBe(true);
      expect(canonicalIp(canonicalIp(ip))).toBe(canonicalIp(ip));
    }),
  );
});

test.each([
  ["FD00:10:0244:0::0005", "fd00:10:244::5"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["fd00::", "fd00::"],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["10.0.0.1", "10.0.0.1"],
  ["web", "web"],
])("%s is written %s", (ip, canonical) => {
  expect(canonicalIp(ip)).toBe(canonical);
});

test("every IPv6 address has one spelling, which is the same address", () => {
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      const canonical = canonicalIp(ip);
      expect(canonicalIp(canonical)).toBe(canonical);
      if (canonical.includes(":")) expect(sameIp(ip, canonical)).toBe(true);
    }),
  );
});

test("an address of a range counts from the range's first, in both families", () => {
  for (const [cidr, index] of [
    ["10.244.7.0/24", 9],
    ["fd00:10:244:3::/64", 70_000],
  ] as const)
    expect(indexInCidr(cidr, addressInCidr(cidr, index))).toBe(index);
  expect(addressInCidr("fd00:10:244:3::/64", 5)).toBe("fd00:10:244:3::5");
  expect(indexInCidr("10.244.7.0/24", "10.244.8.1")).toBeUndefined();
  expect(indexInCidr("10.244.7.0/24", "fd00::1")).toBeUndefined();
});
