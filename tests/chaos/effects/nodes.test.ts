import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Node, nodes } from "../../../machinery/api/core-v1.js";
import { numberedNodes } from "../../../kubelet-sim/node/node-config.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  const zones = ["a", "b", "b"];
  lab = await Lab.start({
    nodes: numberedNodes(3).map((one, i) => ({ ...one, zone: zones[i] ?? "" })),
    manifests: [app("web", { replicas: 3 }), service("web", 30_080)],
  });
});
afterEach(() => lab.stop());

const second = { name: "node-2" };
const node = (name: string): Promise<Node> => lab.do(lab.client.get(nodes, { name }));
const readiness = async (name: string): Promise<string | undefined> =>
  (await node(name)).status.conditions?.find(({ type }) => type === "Ready")?.status;
const podsOn = async (name: string) => (await lab.pods()).filter(({ spec }) => spec.nodeName === name);

test("node-crash: its pods answer at once no more; after 50 s it is NotReady; healed it is back", async () => {
  const [pod] = await podsOn("node-2");
  const fault = await lab.inject("node-crash", { target: second });
  const answers = new Set<string>();
  for (let i = 0; i < 9; i++) answers.add(await lab.get(30_080));
  await lab.run(30_000);

  expect(answers.size).toBeGreaterThan(1);
  expect(await readiness("node-2")).toBe("True");
  await lab.run(30_000);
  expect(await readiness("node-2")).toBe("Unknown");
  expect(lab.backends("node-1")).not.toContain(pod?.status.podIP);
  await fault.heal();
  await lab.settled(300_000);
  expect(await readiness("node-2")).toBe("True");
});

test("zone-outage: all nodes of one zone are NotReady after 50 s, those of others are not", async () => {
  await lab.inject("zone-outage", { target: { zone: "b" } });
  await lab.run(65_000);

  expect([await readiness("node-1"), await readiness("node-2"), await readiness("node-3")]).toEqual([
    "True",
    "Unknown",
    "Unknown",
  ]);
});

test("heartbeat-loss: the node is NotReady although its pods still answer", async () => {
  const [pod] = await podsOn("node-2");
  await lab.inject("heartbeat-loss", { target: second });
  await lab.run(65_000);

  expect(await readiness("node-2")).toBe("Unknown");
  expect(lab.cluster.kubelets.pod(pod?.metadata.uid ?? "")?.sandbox?.isLive).toBe(true);
});

test("cordon: new pods go elsewhere", async () => {
  const fault = await lab.inject("cordon", { target: second });
  await lab.scale("web", 9);
  await lab.settled();

  expect(await podsOn("node-2")).toHaveLength(1);
  await fault.heal();
  expect((await node("node-2")).spec.unschedulable).toBeUndefined();
});

test("drain: the node's pods are evicted, and others made on the rest", async () => {
  await lab.inject("drain", { target: second });
  await lab.settled();

  expect(await podsOn("node-2")).toEqual([]);
  expect(await lab.pods()).toHaveLength(3);
});

test("taint: pods that do not tolerate it are evicted", async () => {
  await lab.inject("taint", { target: second });
  await lab.run(5000);

  expect(await podsOn("node-2")).toEqual([]);
  expect((await node("node-2")).spec.taints).toMatchObject([{ effect: "NoExecute" }]);
});
