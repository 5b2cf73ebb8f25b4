import { expect, test } from "@jest/globals";
import type { KubeObject } from "../machinery/api/meta-v1.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { newTarget } from "./scenario/defaults.js";
import type { TargetSpec } from "./scenario/types.js";
import { chooseLinks, chooseNodes, choosePods } from "./targets.js";
import { fakeClient } from "./testing/fake-client.js";
import { aDeployment, aNode, aPod } from "./testing/objects.js";

const owned = (pod: KubeObject, uid: string): KubeObject => ({
  ...pod,
  metadata: { ...pod.metadata, ownerReferences: [{ uid }] as never },
});
const replicaSet = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "web-1", namespace: "default", uid: "rs", ownerReferences: [{ uid: "uid-web" }] },
} as unknown as KubeObject;
const objects = [
  aNode("node-1", { zone: "a", ip: "172.18.0.3" }),
  aNode("node-2", { zone: "b", ip: "172.18.0.4" }),
  aDeployment("web"),
  replicaSet,
  owned(aPod("web-1", { ip: "10.244.0.2" }), "rs"),
  owned(aPod("web-2", { ip: "10.244.1.2", node: "node-2" }), "rs"),
  aPod("lone", { labels: { app: "lone" }, ip: "10.244.0.3" }),
  aPod("far", { namespace: "shop", ip: "10.244.1.3", node: "node-2" }),
];
const context = (seed = "1") => ({
  client: fakeClient(objects).client,
  clock: new VirtualClock(),
  rng: seededRng(seed),
});
const names = async (given: Partial<TargetSpec>): Promise<string[]> =>
  (await choosePods(context(), newTarget({ mode: "all", ...given }))).map(({ metadata }) => metadata.name);

test.each<[Partial<TargetSpec>, string[]]>([
  [{ selector: "app=web" }, ["web-1", "web-2"]],
  [{ namespace: "shop" }, ["far"]],
  [{ namespace: "*", selector: "app=web" }, ["web-1", "web-2", "far"]],
  [{ owner: "deployment/web" }, ["web-1", "web-2"]],
  [{ owner: "rs/web-1" }, ["web-1", "web-2"]],
  [{ node: "node-2" }, ["web-2"]],
  [{ zone: "b", namespace: "*" }, ["web-2", "far"]],
  [{ name: "web-*" }, ["web-1", "web-2"]],
  [{ selector: "app=web", exclude: ["web-1"] }, ["web-2"]],
  [{ phase: "Pending" }, []],
  [{ minAgeMs: 60_000 }, []],
])("a target means the pods that match all of it: %j", async (given, expected) => {
  expect(await names(given)).toEqual(expected);
});

test("modes draw one, some or a share, and the draw depends on the seed alone", async () => {
  const draw = async (given: Partial<TargetSpec>, seed: string): Promise<string[]> =>
    (await choosePods(context(seed), newTarget({ namespace: "*", ...given }))).map(
      (pod) => pod.metadata.name,
    );

  expect(await draw({ mode: "one" }, "1")).toHaveLength(1);
  expect(await draw({ mode: "count", count: 3 }, "1")).toHaveLength(3);
  expect(await draw({ mode: "percent", percent: 50 }, "1")).toHaveLength(2);
  expect(await draw({ mode: "percent", percent: 1 }, "1")).toHaveLength(1);
  const some = await draw({ mode: "random-max-percent", percent: 75 }, "1");
  expect(some.length).toBeGreaterThanOrEqual(1);
  expect(some.length).toBeLessThanOrEqual(3);
  expect(await draw({ mode: "count", count: 3 }, "7")).toEqual(await draw({ mode: "count", count: 3 }, "7"));
});

test("nodes are chosen by zone and by name", async () => {
  const found = async (given: Partial<TargetSpec>): Promise<string[]> =>
    (await chooseNodes(context(), newTarget({ mode: "all", ...given }))).map(({ metadata }) => metadata.name);

  expect(await found({})).toEqual(["node-1", "node-2"]);
  expect(await found({ zone: "b" })).toEqual(["node-2"]);
  expect(await found({ node: "node-1" })).toEqual(["node-1"]);
});

test("the ends of links are addresses", async () => {
  const links = await chooseLinks(
    context(),
    newTarget({
      mode: "all",
      from: { kind: "pods", namespace: "default", selector: "app=web" },
      to: { kind: "component", namespace: "default", component: "apiserver" },
      direction: "to",
    }),
  );

  expect(links).toEqual({ from: ["10.244.0.2", "10.244.1.2"], to: ["172.18.0.2"], direction: "to" });
  expect(
    await chooseLinks(context(), newTarget({ from: { kind: "nodes", namespace: "default", zone: "c" } })),
  ).toBeUndefined();
});

test("the mode draws hosts, not addresses: a dual-stack node is hit in both families", async () => {
  const dual = ["1", "2", "3"].map((digit) => {
    const node = aNode(`node-${digit}`, { ip: `172.18.0.${digit}` });
    node.status.addresses?.push({ type: "InternalIP", address: `fd00::${digit}` });
    return node;
  });
  const links = await chooseLinks(
    { client: fakeClient(dual).client, clock: new VirtualClock(), rng: seededRng("1") },
    newTarget({ mode: "one", from: { kind: "nodes", namespace: "default" } }),
  );

  const digit = links?.from?.[0]?.slice(-1);
  expect(links?.from).toEqual([`172.18.0.${digit}`, `fd00::${digit}`]);
});
