import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { FlowRecord } from "../../../proxy-sim/dataplane/flow-log.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
let url: string;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web")] });
  url = `http://${await lab.clusterIp("web")}/`;
});
afterEach(() => lab.stop());

const flows = (): FlowRecord[] =>
  lab.cluster.flows().filter(({ servicePort }) => servicePort === "default/web");
const open = (): FlowRecord[] => flows().filter(({ durationMs }) => durationMs === undefined);

test("load-spike: the Service gets that many requests a second, until it is healed", async () => {
  const fault = await lab.inject("load-spike", { parameters: { url, perSecond: 100 } });
  await lab.run(3000);

  expect(flows().length).toBeGreaterThan(200);
  await fault.heal();
  await lab.run(1000);
  const after = flows().length;
  await lab.run(2000);
  expect(flows()).toHaveLength(after);
});

test("long-lived-connections: connections stay where they are when a Service gets more pods", async () => {
  await lab.inject("long-lived-connections", { parameters: { url, clients: 10 } });
  await lab.run(6000);
  const before = new Set(open().map(({ pod }) => pod));
  await lab.scale("web", 4);
  await lab.run(10_000);

  expect(open()).toHaveLength(10);
  expect(lab.backends("node-1")).toHaveLength(4);
  expect(new Set(open().map(({ pod }) => pod))).toEqual(before);
});

test("sticky-clients: one pod gets all requests of a client", async () => {
  await lab.inject("sticky-clients", { parameters: { url } });
  await lab.run(4000);

  expect(new Set(flows().map(({ pod }) => pod)).size).toBe(1);
  expect(open()[0]?.sentBytes).toBeGreaterThan(5000);
});

test("syn-flood: connections are open and silent, and never more than the bound", async () => {
  const fault = await lab.inject("syn-flood", { parameters: { url, perSecond: 100, most: 50 } });
  await lab.run(3000);

  expect(flows().length).toBeGreaterThan(200);
  expect(open().length).toBeGreaterThan(40);
  expect(open().length).toBeLessThanOrEqual(51);
  expect(flows().every(({ sentBytes }) => sentBytes === 0)).toBe(true);
  await fault.heal();
  await lab.run(1000);
  expect(open()).toEqual([]);
});

test("slow-clients: a request keeps its connection for minutes", async () => {
  await lab.inject("slow-clients", { parameters: { url, clients: 5, pause: 500 } });
  await lab.run(20_000);

  expect(open()).toHaveLength(5);
  expect(flows()).toHaveLength(5);
});
