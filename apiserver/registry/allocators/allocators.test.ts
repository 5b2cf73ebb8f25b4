import { beforeEach, describe, expect, test } from "@jest/globals";
import type { KubeObject } from "../../../machinery/api/meta-v1.js";
import { ipAddresses, type ServiceCIDR, serviceCIDRs } from "../../../machinery/api/networking-v1.js";
import type { ResourceDescriptor } from "../../../machinery/api/resource.js";
import { seededRng } from "../../../machinery/runtime/seeded-rng.js";
import type { Lookup } from "../serve.js";
import { AllocationError } from "./allocation-error.js";
import { IpAllocator } from "./ip-allocator.js";
import { IpRange } from "./ip-range.js";
import { PortAllocator } from "./port-allocator.js";
import { readPrefix } from "../../../machinery/api/ip-address.js";

/** What is stored: ranges, and addresses by name. */
let cidrs: ServiceCIDR[];
let stored: Set<string>;
const lookup: Lookup = {
  get: <T extends KubeObject>(
    { plural }: ResourceDescriptor<T>,
    _namespace: string | undefined,
    name: string,
  ) => (plural === ipAddresses.plural && stored.has(name) ? ({} as T) : undefined),
  list: <T extends KubeObject>({ plural }: ResourceDescriptor<T>) =>
    (plural === serviceCIDRs.plural ? cidrs : []) as unknown as readonly T[],
};
beforeEach(() => {
  cidrs = [];
  stored = new Set();
});
const addCidr = (name: string, ranges: string[], metadata: object = {}): ServiceCIDR => {
  const cidr = {
    apiVersion: serviceCIDRs.apiVersion,
    kind: serviceCIDRs.kind,
    metadata: { name, uid: "", resourceVersion: "", creationTimestamp: "", ...metadata },
    spec: { cidrs: ranges },
    status: {},
  };
  cidrs.push(cidr);
  return cidr;
};

describe("cluster IPs", () => {
  const range = (text: string): IpRange => {
    const prefix = readPrefix(text);
    if (!prefix) throw new Error(text);
    return new IpRange(prefix);
  };

  test.each([
    ["10.0.0.0/24", 16n, 254n],
    ["10.0.0.0/20", 256n, 4094n],
    ["10.96.0.0/12", 256n, 1_048_574n],
    ["10.0.0.0/28", 0n, 14n],
    ["fd00:10:96::/112", 256n, 65_535n],
    ["fd00::/64", 256n, 2n ** 64n - 1n],
  ])("%s keeps its first %d addresses for who asks for them", (text, band, size) => {
    const { first, dynamic, last } = range(text);
    expect([dynamic - first, last - first + 1n]).toEqual([band, size]);
  });

  test("addresses nobody asked for come from above the reserved band, then from it, to the last one", () => {
    const allocator = new IpAllocator(["10.0.0.0/27"]);
    const rng = seededRng(2);
    const last = (ip: string): number => Number(ip.split(".")[3]);
    const next = (): number => last(allocator.allocateNext("IPv4", rng, lookup, false));
    const given = Array.from({ length: 30 }, next);
    expect(given.slice(0, 14).every((octet) => octet > 16)).toBe(true);
    expect(new Set(given).size).toBe(30);
    expect(next).toThrow(new AllocationError("range is full"));
    allocator.settled("10.0.0.9");
    expect(next()).toBe(9);
  });

  test("what has an IPAddress is taken", () => {
    const allocator = new IpAllocator(["10.0.0.0/27"]);
    stored.add("10.0.0.5");
    expect(() => allocator.allocate("10.0.0.5", lookup, false)).toThrow("provided IP is already allocated");
  });

  test("an address outside of every range, a range's first and an IPv4 range's last are refused", () => {
    const allocator = new IpAllocator(["10.0.0.0/27", "fd00::/112"]);
    for (const ip of ["10.1.0.1", "10.0.0.0", "10.0.0.31", "::1", "fd00::"])
      expect(() => allocator.allocate(ip, lookup, false)).toThrow(
        "the provided network does not match the current range",
      );
    expect(allocator.allocate("FD00:0::ffff", lookup, false)).toBe("fd00::ffff");
  });

  test("a dry run names the range and takes nothing", () => {
    const allocator = new IpAllocator(["10.0.0.0/27"]);
    expect(() => allocator.allocate("10.1.0.1", lookup, true)).toThrow(
      "the provided IP (10.1.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/27",
    );
    for (let i = 0; i < 2; i++) expect(allocator.allocate("10.0.0.7", lookup, true)).toBe("10.0.0.7");
  });

  test("another ServiceCIDR extends the range; one that is going away gives out nothing", () => {
    const allocator = new IpAllocator(["10.0.0.0/30"]);
    const rng = seededRng(3);
    addCidr("kubernetes", ["10.0.0.0/30"]);
    const next = (): string => allocator.allocateNext("IPv4", rng, lookup, false);
    expect([next(), next()].toSorted()).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(next).toThrow("range is full");
    const more = addCidr("more", ["10.9.0.0/30"]);
    expect(next()).toMatch(/^10\.9\.0\.[12]$/);
    more.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    expect(next).toThrow("range is full");
    expect(() => allocator.allocate("10.9.0.1", lookup, false)).toThrow("does not match the current range");
  });

  test("one seed gives one order of addresses", () => {
    const draw = (seed: number): string[] => {
      const allocator = new IpAllocator(["10.96.0.0/12"]);
      const rng = seededRng(seed);
      return Array.from({ length: 3 }, () => allocator.allocateNext("IPv4", rng, lookup, false));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });
});

test("node ports nobody asked for come from above 30085", () => {
  const allocator = new PortAllocator(30000, 32767);
  const rng = seededRng(3);
  for (let i = 0; i < 2682; i++) expect(allocator.allocateNext(rng)).toBeGreaterThanOrEqual(30086);
  expect(allocator.allocateNext(rng)).toBeLessThan(30086);
});
