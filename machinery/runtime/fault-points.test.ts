import { expect, test } from "@jest/globals";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { FaultPoints } from "./fault-points.js";

function aBrokenLamp(enabled = true) {
  const clock = new VirtualClock();
  const points = new FaultPoints({ clock, enabled });
  const broken: unknown[] = [];
  points.define({
    name: "lamp",
    summary: "goes out",
    inject: ({ color }) => {
      broken.push(color);
      return () => broken.splice(broken.indexOf(color), 1);
    },
  });
  const lease = { id: "a", point: "lamp", parameters: { color: "red" }, endsAtMs: clock.nowMs() + 1000 };
  return { clock, points, broken, lease };
}

test("a lease ends by itself at its end", () => {
  const { clock, points, broken, lease } = aBrokenLamp();

  points.inject(lease);
  expect(broken).toEqual(["red"]);
  clock.step();

  expect(broken).toEqual([]);
  expect(points.held).toEqual([]);
});

test("a lease ends when the connection that holds it is gone", async () => {
  const { points, broken, lease } = aBrokenLamp();
  const connection = new AbortController();

  const held = points.hold(lease, connection.signal);
  await held.next();
  expect(broken).toEqual(["red"]);
  connection.abort();

  expect(broken).toEqual([]);
  expect((await held.next()).done).toBe(true);
});

test("healing twice, or what was never injected, changes nothing", () => {
  const { points, broken, lease } = aBrokenLamp();

  points.inject(lease);
  points.heal("a");
  points.heal("a");
  points.heal("b");

  expect(broken).toEqual([]);
});

test("a cluster that was not started for chaos refuses every fault", () => {
  const { points, broken, lease } = aBrokenLamp(false);

  expect(() => points.inject(lease)).toThrow("--chaos");
  // Before there is anything to read: a caller on a socket is then answered with the reason.
  expect(() => points.hold(lease, new AbortController().signal)).toThrow("--chaos");
  expect(broken).toEqual([]);
});

test("an unknown point, a held id and a lease of the past are refused", () => {
  const { clock, points, lease } = aBrokenLamp();
  points.inject(lease);

  expect(() => points.inject({ ...lease, id: "b", point: "lmap" })).toThrow('unknown fault point "lmap"');
  expect(() => points.inject(lease)).toThrow("held already");
  expect(() => points.inject({ ...lease, id: "b", endsAtMs: clock.nowMs() })).toThrow("ended before");
});
