import { expect, test } from "@jest/globals";
import { silentLogger } from "../machinery/api/logger.js";
import { MemoryCarriers } from "../machinery/network/memory-carriers.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { ChangeLog } from "./change-log.js";
import type { Change } from "./cluster-view.js";
import { Cursors } from "./cursors.js";
import { memoryDialer } from "./dataplane/carrier-dialer.js";
import { DataPlane } from "./dataplane/data-plane.js";
import type { NodeRoute } from "./dataplane/table.js";
import type { ReadonlyService, ReadonlySlice } from "./rules.js";
import { type PlannedSync, planFullSync, planPartialSync } from "./transaction.js";

const metadata = (name: string, resourceVersion: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion,
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const serviceChange = (name: string, clusterIP: string): Change => ({
  kind: "service",
  key: `default/${name}`,
  object: {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(name, "1"),
    spec: {
      type: "ClusterIP",
      clusterIP,
      sessionAffinity: "None",
      ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
    },
    status: { loadBalancer: {} },
  } as ReadonlyService,
});

const sliceChange = (name: string, addresses: string[], resourceVersion: string): Change => ({
  kind: "slice",
  key: `default/${name}-abcde`,
  service: `default/${name}`,
  object: {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`${name}-abcde`, resourceVersion),
    addressType: "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports: [{ port: 8080, protocol: "TCP" }],
  } as ReadonlySlice,
});

const nodes: NodeRoute[] = [1, 2, 3].map((n) => ({
  nodeName: `node-${n}`,
  internalIP: `172.18.0.${n + 2}`,
  podCIDRs: [`10.244.${n}.0/24`],
  carrier: "kubelet",
}));
const noNodes = { set: [], remove: [], added: [] };
const OFFSET = 100;

/** A change log, its cursors and a data plane that takes what they plan. */
async function aProxy() {
  const clock = systemClock();
  const log = new ChangeLog(0);
  const cursors = new Cursors(log);
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("plan"),
    logger: silentLogger,
    dialCarrier: memoryDialer(new MemoryCarriers({ clock, latency: () => 0 })),
  });
  const apply = async (plan: PlannedSync | undefined) => {
    if (!plan) return "nothing";
    const { kind } = await dataPlane.program(plan.transaction);
    for (const { cursor, to } of plan.moves) Object.assign(cursor, { revision: to.revision, view: to.view });
    for (const node of plan.rejoining) cursors.forget(node);
    return kind;
  };
  log.append(serviceChange("web", "10.96.0.10"), 0);
  log.append(sliceChange("web", ["10.244.1.2"], "1"), 0);
  await apply(planFullSync(cursors, nodes, OFFSET, 0));
  const partial = (nowMs = 0, changes = noNodes as Parameters<typeof planPartialSync>[1], known = 3) =>
    planPartialSync(cursors, changes, known, OFFSET, nowMs);
  const backends = (node: string) =>
    dataPlane.router
      .kernel(node)
      ?.table.get("default/web")
      ?.route.backends.map(({ ip }) => ip);
  return { log, cursors, dataPlane, apply, partial, backends };
}

test("a change is sent once for all nodes, and only the Service it is about", async () => {
  const { log, apply, partial, backends } = await aProxy();
  log.append(serviceChange("other", "10.96.0.11"), 0);
  log.append(sliceChange("web", ["10.244.1.2", "10.244.1.3"], "2"), 0);
  log.append(sliceChange("web", ["10.244.1.3"], "3"), 0);
  const plan = partial();
  expect(plan?.transaction.tables).toHaveLength(1);
  expect(plan?.transaction.tables?.[0]?.set.map(({ servicePort }) => servicePort)).toEqual([
    "default/other",
    "default/web",
  ]);
  expect(await apply(plan)).toBe("programmed");
  expect(backends("node-3")).toEqual(["10.244.1.3"]);
  expect(partial()).toBeUndefined();
});

test("a Service's deletion removes its routes", async () => {
  const { log, apply, partial, backends } = await aProxy();
  log.append({ kind: "service", key: "default/web" }, 0);
  await apply(partial());
  expect(backends("node-1")).toBeUndefined();
});

test("a stalled node keeps its table while the others go on, and shares theirs again once healed", async () => {
  const { log, cursors, dataPlane, apply, partial, backends } = await aProxy();
  cursors.fault("node-2", { stalled: true });
  log.append(sliceChange("web", ["10.244.1.9"], "2"), 0);
  await apply(partial());
  expect([backends("node-1"), backends("node-2")]).toEqual([["10.244.1.9"], ["10.244.1.2"]]);
  cursors.heal("node-2");
  expect(await apply(partial())).toBe("programmed");
  expect(dataPlane.router.kernel("node-2")?.table).toBe(dataPlane.router.kernel("node-1")?.table);
});

test("a delayed node hears of each change that much later", async () => {
  const { log, cursors, apply, partial, backends } = await aProxy();
  cursors.fault("node-2", { delayMs: 500 });
  log.append(sliceChange("web", ["10.244.1.9"], "2"), 1000);
  await apply(partial(1000));
  expect([backends("node-1"), backends("node-2")]).toEqual([["10.244.1.9"], ["10.244.1.2"]]);
  expect(cursors.nextDueMs()).toBe(1500);
  await apply(partial(1500));
  expect(backends("node-2")).toEqual(["10.244.1.9"]);
});

test("a new node gets the table of the others without sending it again", async () => {
  const { dataPlane, apply, partial } = await aProxy();
  const added: NodeRoute = {
    nodeName: "node-4",
    internalIP: "172.18.0.6",
    podCIDRs: ["10.244.4.0/24"],
    carrier: "k",
  };
  const plan = partial(0, { set: [added], remove: [], added: ["node-4"] }, 4);
  expect(plan?.transaction.tables).toMatchObject([{ nodes: ["node-4"], adopt: true, set: [] }]);
  expect(await apply(plan)).toBe("programmed");
  expect(dataPlane.router.kernel("node-4")?.table).toBe(dataPlane.router.kernel("node-1")?.table);
});

test("a full sync replaces whatever a data plane holds, and keeps stalled nodes where they are", async () => {
  const { log, cursors, dataPlane, apply, backends } = await aProxy();
  cursors.fault("node-2", { stalled: true });
  log.append(sliceChange("web", ["10.244.1.9"], "2"), 0);
  await dataPlane.program({ full: true, nodes: { set: [], remove: [] }, tables: [] });
  await apply(planFullSync(cursors, nodes, OFFSET, 0));
  expect([backends("node-1"), backends("node-2")]).toEqual([["10.244.1.9"], ["10.244.1.2"]]);
});

test("what every cursor has read is not kept", async () => {
  const { log, cursors, apply, partial } = await aProxy();
  for (let i = 0; i < 10; i++) log.append(sliceChange("web", [`10.244.1.${i}`], String(i)), 0);
  await apply(partial());
  log.trim(cursors.oldest());
  expect(log.after(log.head)).toEqual([]);
  expect(log.after(log.head - 1)).toBeUndefined();
});
