import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { configMaps, nodes, pods } from "../../../machinery/api/core-v1.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web")] });
});
afterEach(() => lab.stop());

const proxy = { target: { component: "proxy" as const } };
const controllers = { target: { component: "controllers" as const } };
const table = (): string[] => lab.backends("node-1");

/** The addresses of pods as they are. */
const addresses = async (): Promise<string[]> =>
  (await lab.pods()).map(({ status }) => status.podIP ?? "").sort();
async function kill(count = 1): Promise<void> {
  for (const { metadata } of (await lab.pods()).slice(0, count))
    await lab.do(
      lab.client.delete(pods, { namespace: "default", name: metadata.name }, { gracePeriodSeconds: 0 }),
    );
}

test("api-partition of the proxy: its tables stay as they are, and are right again once healed", async () => {
  const before = table();
  const fault = await lab.inject("api-partition", proxy);
  await kill(2);
  await lab.run(10_000);

  expect(table()).toEqual(before);
  await fault.heal();
  await lab.run(60_000);
  expect(table()).toEqual(await addresses());
});

test("api-partition of a kubelet: its node is NotReady after 50 s, the others are not", async () => {
  await lab.inject("api-partition", { target: { component: "kubelet", node: "node-2" } });
  await lab.run(65_000);

  const { items } = await lab.do(lab.client.list(nodes));
  const ready = items.map(({ status }) => status.conditions?.find(({ type }) => type === "Ready")?.status);
  expect(ready).toEqual(["True", "Unknown", "True"]);
});

test("api-slow: what a controller does comes as much later", async () => {
  await lab.inject("api-slow", { ...controllers, parameters: { delay: 3000 } });
  await lab.scale("web", 4);
  await lab.run(5000);

  expect(await lab.pods()).toHaveLength(2);
  await lab.run(30_000);
  expect(await lab.pods()).toHaveLength(4);
});

test("api-loss: without any of its requests a controller changes nothing", async () => {
  await lab.inject("api-loss", { ...controllers, parameters: { share: 100 } });
  await lab.scale("web", 4);
  await lab.run(8000);

  expect(await lab.pods()).toHaveLength(2);
});

test("watch-lag: the proxy hears of a change so much later", async () => {
  const before = table();
  await lab.inject("watch-lag", { ...proxy, parameters: { lag: 8000 } });
  await kill(2);
  await lab.run(7000);

  expect(table()).toEqual(before);
  await lab.run(6000);
  expect(table()).toEqual(await addresses());
});

test("watch-drop: the proxy stays wrong after healing, until the objects change or are listed again", async () => {
  const before = table();
  const fault = await lab.inject("watch-drop", proxy);
  await kill(2);
  await lab.run(8000);
  await fault.heal();
  await lab.run(8000);

  expect(table()).toEqual(before);
  await lab.inject("watch-expired", { ...proxy, holdMs: 1000 });
  await lab.run(40_000);
  expect(table()).toEqual(await addresses());
});
