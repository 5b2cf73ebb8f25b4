import { expect, test } from "@jest/globals";
import { IpPool } from "./ip-pool.js";

test("a delayed pool lets an address rest as long as there are others", () => {
  const pool = new IpPool("10.244.0.0/29", "delayed");
  const first = pool.take();
  pool.giveBack(first);
  const later = Array.from({ length: 4 }, () => pool.take());

  expect(later).not.toContain(first);
  expect(pool.take()).toBe(first);
  expect(() => pool.take()).toThrow(
    "failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.6",
  );
});

test("an adversarial take gets what was given back last, and not the same again if there is another", () => {
  const pool = new IpPool("10.244.0.0/24", "delayed");
  const [one, two] = [pool.take(), pool.take()];
  for (const ip of [one, two]) pool.giveBack(ip, "adversarial");

  expect(pool.take({ reuse: "adversarial", not: two })).toBe(one);
  expect(pool.take({ reuse: "adversarial", not: two })).toBe(two);
});
