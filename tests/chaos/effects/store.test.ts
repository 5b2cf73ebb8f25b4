import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { configMaps } from "../../../machinery/api/core-v1.js";
import { app, Lab } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
});
afterEach(() => lab.stop());

const make = (name: string) =>
  lab.do(lab.client.create(configMaps, { metadata: { name, namespace: "default" }, data: {} }));
const exists = async (name: string): Promise<boolean> =>
  (await lab.do(lab.client.list(configMaps, { namespace: "default" }))).items.some(
    ({ metadata }) => metadata.name === name,
  );

test("store-full: writes fail, reads go on", async () => {
  const fault = await lab.inject("store-full");
  await expect(make("a")).rejects.toThrow();
  expect(await exists("a")).toBe(false);
  await fault.heal();
  await make("a");
});

test("store-busy: writes fail until the store is free", async () => {
  const fault = await lab.inject("store-busy");
  await expect(make("a")).rejects.toThrow();
  await fault.heal();
  await make("a");
});

test("store-slow-fsync: a write takes as much longer", async () => {
  await lab.inject("store-slow-fsync", { parameters: { delay: 300 } });
  const beganMs = lab.cluster.clock.monotonicMs();
  await make("a");
  expect(lab.cluster.clock.monotonicMs() - beganMs).toBeGreaterThan(300);
});

test.each([
  ["torn", false],
  ["written", true],
])(
  "store-kill-mid-write that leaves %s: the client hears nothing, and the write is there: %s",
  async (leaves, there) => {
    // The next commit is to be this one.
    for (const component of ["controllers", "kubelet", "proxy"] as const)
      await lab.inject("process-stop", { target: { component } });
    await lab.inject("store-kill-mid-write", { parameters: { leaves } });
    await expect(make("a")).rejects.toThrow();
    await lab.run(5000);

    expect(lab.cluster.processes.of("apiserver").restarts).toBe(1);
    expect(await exists("a")).toBe(there);
  },
);

test("store-compact: whoever asks for what was before gets 410", async () => {
  const { metadata } = await make("a");
  await make("b");
  await lab.inject("store-compact");
  const { status } = await lab.do(
    lab.client.request({
      method: "GET",
      path: `/api/v1/namespaces/default/configmaps?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact`,
    }),
  );
  expect(status).toBe(410);
});

test("store-bit-flip: the API server refuses to start until its file is mended", async () => {
  const fault = await lab.inject("store-bit-flip");
  await lab.run(20_000);

  const server = lab.cluster.processes.of("apiserver");
  expect(server.isReady).toBe(false);
  expect(String(server.failedStarts[0])).toMatch(/checksum/);
  await fault.heal();
  await lab.run(20_000);
  expect(server.isReady).toBe(true);
});

test("store-rollback: what was written meanwhile is lost", async () => {
  const fault = await lab.inject("store-rollback");
  await lab.run(2000);
  await make("a");
  await fault.heal();
  await lab.run(20_000);

  expect(await exists("a")).toBe(false);
});
