import { expect, test } from "@jest/globals";
import { parseCidr, parseIPv4 } from "../../../machinery/api/ip.js";
import { seededRng } from "../../../machinery/runtime/seeded-rng.js";
import { AllocationError, IpAllocator } from "./ip-allocator.js";
import { PortAllocator } from "./port-allocator.js";

const block = (text: string) => {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(text);
  return cidr;
};

test("addresses nobody asked for come from above the reserved band", () => {
  const allocator = new IpAllocator(block("10.96.0.0/12"));
  const rng = seededRng(1);
  for (let i = 0; i < 1000; i++)
    expect(parseIPv4(allocator.allocateNext(rng))).toBeGreaterThanOrEqual(parseIPv4("10.96.1.0") ?? 0);
});

test("a small block is given out to the last address, the band at the end", () => {
  const allocator = new IpAllocator(block("10.0.0.0/27"), ["10.0.0.1"]);
  const rng = seededRng(2);
  allocator.allocate("10.0.0.1");
  const given = Array.from({ length: 29 }, () => allocator.allocateNext(rng));
  expect(new Set(given).size).toBe(29);
  expect(() => allocator.allocateNext(rng)).toThrow(new AllocationError("range is full"));
  allocator.release("10.0.0.9");
  expect(allocator.allocateNext(rng)).toBe("10.0.0.9");
});

test("an address outside of the block, its first and its last are refused", () => {
  const allocator = new IpAllocator(block("10.0.0.0/27"));
  for (const ip of ["10.1.0.1", "10.0.0.0", "10.0.0.31", "::1"])
    expect(() => allocator.allocate(ip)).toThrow("the provided network does not match the current range");
});

test("one seed gives one order of addresses", () => {
  const draw = (seed: number): string[] => {
    const allocator = new IpAllocator(block("10.96.0.0/12"));
    const rng = seededRng(seed);
    return [allocator.allocateNext(rng), allocator.allocateNext(rng), allocator.allocateNext(rng)];
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test("node ports nobody asked for come from above 30085", () => {
  const allocator = new PortAllocator(30000, 32767);
  const rng = seededRng(3);
  for (let i = 0; i < 2682; i++) expect(allocator.allocateNext(rng)).toBeGreaterThanOrEqual(30086);
  expect(allocator.allocateNext(rng)).toBeLessThan(30086);
});
