import { expect, test } from "@jest/globals";
import { allResources } from "../../apiserver/registry/resources.js";
import { leases } from "../../machinery/api/coordination-v1.js";
import { TransportError } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { directTransport } from "../../machinery/client/direct-transport.js";
import { LeaderElection } from "../../machinery/client/leader-election.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { wrapTransport } from "../../machinery/client/wrap-transport.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { inProcessApi } from "../testkit/in-process-api.js";

async function twoCandidates() {
  const clock = new VirtualClock();
  const scheduler = new SimulationScheduler(clock);
  const api = await scheduler.settle(inProcessApi(allResources(), { clock }));
  const leading: string[] = [];
  const candidate = (identity: string) => {
    let cut = false;
    const transport = wrapTransport(directTransport(api), {
      beforeRequest() {
        if (cut) throw new TransportError("cut off");
      },
    });
    const client = new RestClient({ transport, clock, userAgent: identity });
    const controller = new AbortController();
    const start = (): Promise<"ended" | "lost"> =>
      new LeaderElection({
        client,
        clock,
        rng: seededRng(identity),
        logger: silentLogger,
        namespace: "default",
        name: "the-role",
        identity,
      }).run(controller.signal, async (signal) => {
        leading.push(`+${identity}`);
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        leading.push(`-${identity}`);
      });
    return { start, client, controller, cut: () => void (cut = true) };
  };
  return { clock, scheduler, leading, candidate };
}

test("the first candidate leads at once, and the second only after the first lets go", async () => {
  const { clock, scheduler, leading, candidate } = await twoCandidates();
  const a = candidate("a");
  const b = candidate("b");
  const runningA = a.start();
  await scheduler.runUntil(() => leading.length === 1, 100);
  expect(clock.monotonicMs()).toBeLessThan(100);
  const runningB = b.start();
  await scheduler.run(60_000);
  expect(leading).toEqual(["+a"]);
  a.controller.abort();
  expect(await scheduler.settle(runningA)).toBe("ended");
  await scheduler.runUntil(() => leading.length === 3, 5_000, "b to lead");
  expect(leading).toEqual(["+a", "-a", "+b"]);
  const lease = await scheduler.settle(b.client.get(leases, { namespace: "default", name: "the-role" }));
  expect(lease.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1, leaseDurationSeconds: 15 });
  b.controller.abort();
  await scheduler.settle(runningB);
});

test("a leader that is cut off stops leading before another takes over", async () => {
  const { clock, scheduler, leading, candidate } = await twoCandidates();
  const a = candidate("a");
  const b = candidate("b");
  const runningA = a.start();
  await scheduler.runUntil(() => leading.length === 1, 100);
  const runningB = b.start();
  await scheduler.run(5_000);
  a.cut();
  const cutMs = clock.monotonicMs();
  expect(await scheduler.settle(runningA)).toBe("lost");
  expect(clock.monotonicMs() - cutMs).toBeLessThanOrEqual(12_000);
  await scheduler.runUntil(() => leading.length === 3, 30_000, "b to lead");
  expect(leading).toEqual(["+a", "-a", "+b"]);
  b.controller.abort();
  await scheduler.settle(runningB);
});
