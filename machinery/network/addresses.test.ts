import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addressInCidr,
  cidrContains,
  formatAddress,
  formatIpv4,
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
  expect(sameIp(addressInCidr("fd00:1::/64", 1), "fd00:1::1")).toBe(true);
});
