import { expect, test } from "@jest/globals";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { holdLease } from "./lease.js";

const clock = systemClock();

function aLease(endsAtMs: number, signal: AbortSignal) {
  const events: string[] = [];
  const lease = holdLease(clock, endsAtMs, signal, {
    inject: () => events.push("inject"),
    heal: () => events.push("heal"),
  });
  return { lease, events };
}

test("a fault ends with its lease", async () => {
  const { lease, events } = aLease(clock.nowMs(), new AbortController().signal);
  for await (const held of lease) expect(held.heldUntilMs).toBeLessThanOrEqual(clock.nowMs());
  expect(events).toEqual(["inject", "heal"]);
});

test("a fault ends when the connection that holds it closes", async () => {
  const connection = new AbortController();
  const { lease, events } = aLease(clock.nowMs() + 3_600_000, connection.signal);
  await lease.next();
  expect(events).toEqual(["inject"]);
  const ended = lease.next();
  connection.abort();
  expect((await ended).done).toBe(true);
  expect(events).toEqual(["inject", "heal"]);
});
