import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { PointTarget } from "../../../chaos/point-fault.js";
import { configMaps, nodes, pods } from "../../../machinery/api/core-v1.js";
import { TransportFaults } from "../../../machinery/client/faults/transport-faults.js";
import { FaultPoints } from "../../../machinery/runtime/fault-points.js";
import { ADMIN } from "../../../simulation/world.js";
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
test("watch-reorder: an event waits for the next one, which overtakes it", async () => {
  await lab.inject("watch-reorder", { ...proxy, parameters: { resources: ["services"] } });
  await lab.apply(service("first"));
  await lab.run(5000);
  expect(lab.routes("node-1")).not.toContain("default/first");
  await lab.apply(service("second"));
  await lab.run(5000);
  expect(lab.routes("node-1")).toEqual(expect.arrayContaining(["default/first", "default/second"]));
});

test("watch-duplicate: each event comes twice, and the proxy's tables are right all the same", async () => {
  const { target } = await lab.inject("watch-duplicate", proxy);
  const [lease] = (target as PointTarget).leases;
  const types = await watchedWith(lease?.parameters ?? {}, () => kill(1));
  await lab.run(5000);

  expect(types.filter((type) => type === "DELETED")).toHaveLength(2);
  expect(table()).toEqual(await addresses());
});

/** The types of the events that a watch of pods brings through the proxy's own fault point while something is done. */
async function watchedWith(parameters: Record<string, unknown>, act: () => Promise<void>): Promise<string[]> {
  const { clock, rng } = lab.cluster;
  const faults = new TransportFaults({ clock, rng });
  const points = new FaultPoints({ clock, enabled: true });
  faults.define(points);
  points.inject({ id: "again", point: "watch", parameters, endsAtMs: clock.nowMs() + 60_000 });
  const ended = new AbortController();
  const response = await lab.do(
    faults
      .wrap(lab.cluster.transportAs("watcher", ADMIN), "proxy")
      .request({ method: "GET", path: "/api/v1/namespaces/default/pods?watch=1", headers: {} }, ended.signal),
  );
  const types: string[] = [];
  const reading = (async () => {
    for await (const frame of response.body as AsyncIterable<Uint8Array>)
      types.push((JSON.parse(Buffer.from(frame).toString()) as { type: string }).type);
  })().catch(() => {});
  await act();
  await lab.run(3000);
  ended.abort();
  await lab.do(reading);
  return types;
}

test("watch-disconnect: the proxy's watches are reset, and opened anew", async () => {
  const seen = lab.requests("kube-proxy");
  await lab.inject("watch-disconnect", { ...proxy, parameters: { every: 3000 } });
  await lab.run(10_000);

  expect(seen.filter((path) => path.includes("watch=")).length).toBeGreaterThan(3);
  await kill(1);
  await lab.run(10_000);
  expect(table()).toEqual(await addresses());
});

test("watch-expired: the proxy has to list again", async () => {
  const seen = lab.requests("kube-proxy");
  await lab.inject("watch-expired", { ...proxy, holdMs: 2000 });
  await lab.run(20_000);

  expect(
    seen.filter((path) => path.includes("services?") && !path.includes("watch=")).length,
  ).toBeGreaterThan(0);
});

test("slow-watcher: who does not read hears nothing, until it is healed", async () => {
  const before = table();
  const fault = await lab.inject("slow-watcher", proxy);
  await kill(2);
  await lab.run(8000);

  expect(table()).toEqual(before);
  await fault.heal();
  await lab.run(40_000);
  expect(table()).toEqual(await addresses());
});

test("stale-reads: the proxy sees the past, controllers do not", async () => {
  const before = table();
  const fault = await lab.inject("stale-reads", { ...proxy, parameters: { lag: 15_000 } });
  await lab.run(2000);
  await kill(2);
  await lab.run(8000);

  expect(await addresses()).not.toEqual(before);
  expect(table()).toEqual(before);
  await fault.heal();
  await lab.run(40_000);
  expect(table()).toEqual(await addresses());
});

test("api-errors: controllers get nothing done, and go on once it is healed", async () => {
  const fault = await lab.inject("api-errors", { parameters: { clients: ["kubesim-controllers"] } });
  await lab.scale("web", 4);
  await lab.run(5000);

  expect(await lab.pods()).toHaveLength(2);
  await fault.heal();
  await lab.until(async () => (await lab.pods()).length === 4, "both pods being made", 120_000);
});

test("api-errors: without `clients` controllers are meant too, and the run's own requests are not", async () => {
  await lab.inject("api-errors", { parameters: { verbs: ["create"], resources: ["pods"] } });
  await lab.scale("web", 4);
  await lab.run(5000);

  expect(await lab.pods()).toHaveLength(2);
  await lab.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "own" },
    spec: { containers: [{ name: "c", image: "nginx" }] },
  });
});

test("api-latency: what controllers do comes later", async () => {
  await lab.inject("api-latency", { parameters: { delay: 2000, clients: ["kubesim-controllers"] } });
  await lab.scale("web", 4);
  await lab.run(3500);

  expect(await lab.pods()).toHaveLength(2);
});

test("ambiguous-writes: a write is made although its client hears of a broken connection", async () => {
  await lab.inject("ambiguous-writes", { parameters: { clients: ["kubesim"], resources: ["configmaps"] } });
  const name = "maybe";
  await expect(
    lab.do(lab.client.create(configMaps, { metadata: { name, namespace: "default" }, data: {} })),
  ).rejects.toThrow();

  expect((await lab.do(lab.client.get(configMaps, { namespace: "default", name }))).metadata.name).toBe(name);
});

test("conflict-storm: updates are refused with Conflict", async () => {
  await lab.inject("conflict-storm", { parameters: { clients: ["kubesim"] } });
  await expect(lab.scale("web", 4)).rejects.toMatchObject({ status: { reason: "Conflict", code: 409 } });
});

test("api-reject: a write is refused in the words of an admission webhook", async () => {
  await lab.inject("api-reject", {
    parameters: { clients: ["kubesim"], resources: ["configmaps"], reason: "closed on Sundays" },
  });
  await expect(
    lab.do(lab.client.create(configMaps, { metadata: { name: "a", namespace: "default" }, data: {} })),
  ).rejects.toMatchObject({
    status: {
      code: 403,
      reason: "Forbidden",
      message: 'admission webhook "chaos.kubesim.dev" denied the request: closed on Sundays',
    },
  });
});
