import { expect, test } from "@jest/globals";
import {
  canonicalIp,
  formatPrefix,
  hasServiceAddress,
  prefixContains,
  readIp,
  readPrefix,
} from "./ip-address.js";

test.each([
  ["10.0.0.1", "10.0.0.1", "standard"],
  ["010.000.0.01", "10.0.0.1", "leadingZeros"],
  ["::ffff:10.0.0.1", "10.0.0.1", "mapped"],
  ["FD00:10:96:0:0:0:0:A", "fd00:10:96::a", "standard"],
  ["::", "::", "standard"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3", "standard"],
  ["64:ff9b::192.0.2.1", "64:ff9b::c000:201", "standard"],
])("%s is read as %s", (text, canonical, form) => {
  expect(canonicalIp(text)).toBe(canonical);
  expect(readIp(text)?.form).toBe(form);
});

test.each([
  "",
  "10.0.0",
  "10.0.0.256",
  "a.b.c.d",
  "1::2::3",
  "12345::",
  ":::",
  "1:2:3:4:5:6:7",
  "fe80::1%eth0",
])("%j is no address", (text) => expect(readIp(text)).toBeUndefined());

const prefix = (text: string) => {
  const read = readPrefix(text);
  if (!read) throw new Error(text);
  return read;
};

test("a range is known by its first address and its length", () => {
  expect(formatPrefix(prefix("10.96.7.1/12"))).toBe("10.96.0.0/12");
  expect(formatPrefix(prefix("fd00:10:96::5/112"))).toBe("fd00:10:96::/112");
  expect(prefix("10.0.0.0/024").form).toBe("leadingZeros");
  for (const text of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.0/x", "/8"])
    expect(readPrefix(text)).toBeUndefined();
});

test("Services get neither the network's address nor the broadcast address of IPv4", () => {
  const has = (range: string, ip: string) => {
    const address = readIp(ip);
    return address !== undefined && hasServiceAddress(prefix(range), address);
  };
  expect(
    ["10.0.0.0", "10.0.0.1", "10.0.0.254", "10.0.0.255", "10.0.1.1"].map((ip) => has("10.0.0.0/24", ip)),
  ).toEqual([false, true, true, false, false]);
  expect(["fd00::", "fd00::1", "fd00::ffff", "fd00::1:0"].map((ip) => has("fd00::/112", ip))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test("a range contains itself and what is smaller within", () => {
  expect(prefixContains(prefix("10.0.0.0/8"), prefix("10.1.0.0/16"))).toBe(true);
  expect(prefixContains(prefix("10.1.0.0/16"), prefix("10.0.0.0/8"))).toBe(false);
  expect(prefixContains(prefix("fd00::/64"), prefix("10.0.0.0/8"))).toBe(false);
});
