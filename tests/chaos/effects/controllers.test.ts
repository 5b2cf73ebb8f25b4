import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { pods } from "../../../machinery/api/core-v1.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web")] });
});
afterEach(() => lab.stop());

/** At once and without a grace period. */
async function killOne(): Promise<string> {
  const [victim] = await lab.pods();
  const { metadata, status } = victim ?? { metadata: { name: "" }, status: {} };
  await lab.do(
    lab.client.delete(pods, { namespace: "default", name: metadata.name }, { gracePeriodSeconds: 0 }),
  );
  return status.podIP ?? "";
}
test("endpoints-slow: a pod that is gone stays in every table for the batch period", async () => {
  await lab.inject("endpoints-slow", { parameters: { period: 5000 } });
  const gone = await killOne();
  await lab.run(4000);

  expect(lab.backends("node-1")).toContain(gone);
  await lab.run(2000);
  expect(lab.backends("node-1")).not.toContain(gone);
});

test("controller-slow: a scaled Deployment gets its pods later", async () => {
  await lab.inject("controller-slow", { parameters: { controllers: ["deployment"], delay: 5000 } });
  await lab.scale("web", 4);
  await lab.run(4000);

  expect(await lab.pods()).toHaveLength(2);
  await lab.run(2000);
  expect(await lab.pods()).toHaveLength(4);
});

test("controller-pause: without its controller a ReplicaSet replaces nobody, and does once it is back", async () => {
  const fault = await lab.inject("controller-pause", { parameters: { controllers: ["replicaset"] } });
  await killOne();
  await lab.run(5000);

  expect(await lab.pods()).toHaveLength(1);
  await fault.heal();
  await lab.run(1000);
  expect(await lab.pods()).toHaveLength(2);
});

test("controller-pause: a paused scheduler leaves pods pending", async () => {
  const fault = await lab.inject("controller-pause", { parameters: { controllers: ["scheduler"] } });
  await lab.scale("web", 3);
  await lab.run(5000);

  expect((await lab.pods()).filter(({ spec }) => !spec.nodeName)).toHaveLength(1);
  await fault.heal();
  await lab.settled();
});

test("a controller that does not exist is an error, not silence", async () => {
  await expect(lab.inject("controller-pause", { parameters: { controllers: ["endpoint"] } })).rejects.toThrow(
    'unknown controller "endpoint"',
  );
});

test("stale-start: controllers that begin with an old picture do not see what was made since", async () => {
  const fault = await lab.inject("stale-start", { parameters: { lag: 20_000 } });
  await lab.scale("web", 4);
  await lab.run(10_000);

  expect(await lab.pods()).toHaveLength(2);
  await fault.heal();
  await lab.run(5000);
  expect(await lab.pods()).toHaveLength(4);
});
