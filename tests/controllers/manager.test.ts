import { expect, test } from "@jest/globals";
import { namespaces, serviceAccounts } from "../../machinery/api/core-v1.js";
import { ControllerManager } from "../../controllers/controller-manager.js";
import { isSelected } from "../../controllers/selection.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const health = (manager: ControllerManager): unknown =>
  manager.adminHandlers()["GET /health"]?.({
    query: new URLSearchParams(),
    body: undefined,
    signal: new AbortController().signal,
  });

test("the controllers say that they are ready once their caches are full, and count their work", async () => {
  await withControlPlane(async ({ manager, eventually }) => {
    await eventually(() => (health(manager) as { ready: boolean }).ready, "readiness", 5_000);
    expect(health(manager)).toEqual({ ready: true, state: "leading" });
    const text = manager.adminHandlers()["GET /metrics"]?.({
      query: new URLSearchParams(),
      body: undefined,
      signal: new AbortController().signal,
    });
    expect(text).toMatch(/controller_reconcile_total\{name="serviceaccount"\} [1-9]/);
  });
});

const aManager = ({ transport, clock }: ControlPlane, identity: string): ControllerManager =>
  new ControllerManager({
    transport,
    clock,
    rng: seededRng(identity),
    logger: silentLogger,
    leaderElect: true,
    identity,
  });

test("of two managers one works and one stands by; when the first stops the second takes over", async () => {
  await withControlPlane(
    async (cluster) => {
      const { client, settle, eventually } = cluster;
      const first = aManager(cluster, "first");
      const second = aManager(cluster, "second");
      const stopFirst = new AbortController();
      const stopSecond = new AbortController();
      const runningFirst = first.run(stopFirst.signal);
      await eventually(
        () => (health(first) as { state: string }).state === "leading",
        "the first to lead",
        1_000,
      );
      const runningSecond = second.run(stopSecond.signal);
      await eventually(() => (health(second) as { state: string }).state === "standby");
      stopFirst.abort(new Error("stopped"));
      await settle(runningFirst);
      await eventually(
        () => (health(second) as { state: string }).state === "leading",
        "the second to lead",
        5_000,
      );
      await settle(client.create(namespaces, { metadata: { name: "after" } }));
      const account = { namespace: "after", name: "default" };
      await eventually(() =>
        client.get(serviceAccounts, account).then(
          () => true,
          () => false,
        ),
      );
      stopSecond.abort(new Error("stopped"));
      await settle(runningSecond);
    },
    { controllers: ["podgc"] },
  );
});

test.each([
  [["*"], true],
  [["*", "-scheduler"], false],
  [["scheduler"], true],
  [["podgc"], false],
  [["-podgc", "*"], true],
])("--controllers %j runs the scheduler: %s", (choices, expected) => {
  expect(isSelected("scheduler", choices)).toBe(expected);
});
