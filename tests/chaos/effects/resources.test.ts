import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { configMaps, services } from "../../../machinery/api/core-v1.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web")] });
});
afterEach(() => lab.stop());

/** Milliseconds that `count` writes take. */
async function writesMs(count = 10): Promise<number> {
  const beganMs = lab.cluster.clock.monotonicMs();
  for (let i = 0; i < count; i++)
    await lab.do(
      lab.client.create(configMaps, { metadata: { generateName: "one-", namespace: "default" }, data: {} }),
    );
  return lab.cluster.clock.monotonicMs() - beganMs;
}

test("cpu-stress: the API server's answers come later, and in time again once it is healed", async () => {
  const quietMs = await writesMs();
  const fault = await lab.inject("cpu-stress", {
    target: { component: "apiserver" },
    parameters: { share: 90 },
  });
  expect(await writesMs()).toBeGreaterThan(quietMs * 4);
  await fault.heal();
  await lab.run(1000);
  expect(await writesMs()).toBeLessThan(quietMs * 3);
});

test("cpu-stress: a process that is killed while it is busy holds nobody up", async () => {
  await lab.inject("cpu-stress", { target: { component: "dataplane" }, parameters: { share: 95 } });
  await lab.run(50);
  await lab.inject("process-kill", { target: { component: "dataplane" } });
  await lab.run(5000);

  expect(lab.cluster.world.packets.clock.isPaused).toBe(false);
  expect(lab.backends("node-1")).toHaveLength(2);
});

test("memory-stress: the collector stands in the way now and then", async () => {
  const quietMs = await writesMs(100);
  await lab.inject("memory-stress", { target: { component: "apiserver" }, parameters: { mib: 512 } });
  expect(await writesMs(100)).toBeGreaterThan(quietMs + 50);
});

test("io-stress: each write waits for the disk", async () => {
  const quietMs = await writesMs();
  await lab.inject("io-stress", { parameters: { delay: 50, jitter: 0 } });
  expect(await writesMs()).toBeGreaterThan(quietMs + 400);
});

test("fd-exhaustion of a client: controllers no longer write", async () => {
  const fault = await lab.inject("fd-exhaustion", {
    target: { component: "controllers" },
    parameters: { most: 0 },
  });
  await lab.scale("web", 4);
  await lab.run(8000);

  expect(await lab.pods()).toHaveLength(2);
  await fault.heal();
  await lab.until(async () => (await lab.pods()).length === 4, "both pods being made");
});

test("fd-exhaustion of the API server: what would be one connection too many is refused", async () => {
  await lab.inject("fd-exhaustion", { target: { component: "apiserver" }, parameters: { most: 0 } });
  await lab.scale("web", 4);
  await lab.run(8000);

  expect(await lab.pods()).toHaveLength(2);
});

test("fd-exhaustion of the data plane: a request that would be one connection too many is refused", async () => {
  await lab.apply(service("front", 30_080));
  await lab.do(
    lab.client.patch(
      services,
      { namespace: "default", name: "front" },
      { type: "merge", body: { spec: { selector: { app: "web" } } } },
    ),
  );
  await lab.run(1000);
  expect(await lab.get(30_080)).toBe("200");
  await lab.inject("fd-exhaustion", { target: { component: "dataplane" }, parameters: { most: 0 } });

  expect(await lab.get(30_080)).toContain("ECONNREFUSED");
});

test("process-kill: the component comes back by itself", async () => {
  await lab.inject("process-kill", { target: { component: "controllers" } });
  expect(lab.cluster.processes.of("controllers").isRunning).toBe(false);
  await lab.run(3000);

  expect(lab.cluster.processes.of("controllers")).toMatchObject({ isRunning: true, restarts: 1 });
});

test("process-restart: the component ends in order and begins anew", async () => {
  await lab.inject("process-restart", { target: { component: "proxy" } });
  await lab.run(3000);

  expect(lab.cluster.processes.of("proxy")).toMatchObject({ isReady: true, restarts: 1 });
});

test("process-stop: the component stays down until it is healed", async () => {
  const fault = await lab.inject("process-stop", { target: { component: "controllers" } });
  await lab.scale("web", 4);
  await lab.run(60_000);

  expect(await lab.pods()).toHaveLength(2);
  await fault.heal();
  await lab.until(async () => (await lab.pods()).length === 4, "both pods being made");
});

test("process-pause: a change waits for the component to go on", async () => {
  const fault = await lab.inject("process-pause", { target: { component: "proxy" } });
  await lab.scale("web", 4);
  await lab.run(5000);

  expect(lab.backends("node-1")).toHaveLength(2);
  await fault.heal();
  await lab.run(2000);
  expect(lab.backends("node-1")).toHaveLength(4);
});
