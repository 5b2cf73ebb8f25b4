import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { deployments } from "../../../machinery/api/apps-v1.js";
import { configMaps, namespaces, services } from "../../../machinery/api/core-v1.js";
import { leases } from "../../../machinery/api/coordination-v1.js";
import { app, Lab, service } from "./lab.js";

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web", 30_080)] });
});
afterEach(() => lab.stop());

const web = { target: { name: "web" } };
const at = { namespace: "default", name: "web" };
const config = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "one", namespace: "default" },
  data: { a: "1" },
};
const data = async () =>
  (await lab.do(lab.client.list(configMaps, { namespace: "default" }))).items.find(
    ({ metadata }) => metadata.name === "one",
  )?.data;

test("rolling-update: every pod is replaced", async () => {
  const before = new Set((await lab.pods()).map(({ metadata }) => metadata.uid));
  await lab.inject("rolling-update", web);
  await lab.run(20_000);

  expect((await lab.pods()).filter(({ metadata }) => before.has(metadata.uid))).toEqual([]);
});

test("scale: there are as many pods, and as before once healed", async () => {
  const fault = await lab.inject("scale", { ...web, parameters: { replicas: 5 } });
  await lab.run(5000);
  expect(await lab.pods()).toHaveLength(5);
  await fault.heal();
  await lab.run(5000);
  expect(await lab.pods()).toHaveLength(2);
});

test("label-flip: label off is out of the Service, although the pods run on", async () => {
  const before = lab.backends("node-1");
  const target = { selector: "app=web", mode: "all" as const };
  await lab.inject("label-flip", { target, parameters: { label: "app" } });
  await lab.run(1000);

  expect(lab.backends("node-1").filter((ip) => before.includes(ip))).toEqual([]);
  expect((await lab.pods()).filter(({ status }) => before.includes(status.podIP ?? ""))).toHaveLength(2);
});

test("selector-edit: the Service means no pod any more", async () => {
  const fault = await lab.inject("selector-edit", { ...web, parameters: { selector: { tier: "none" } } });
  await lab.run(2000);
  expect(lab.backends("node-1")).toEqual([]);
  await fault.heal();
  await lab.run(2000);
  expect(lab.backends("node-1")).toHaveLength(2);
});

test("port-rename: the port has another name in every table", async () => {
  const ports = [{ name: "http", port: 80 }];
  await lab.do(lab.client.patch(services, at, { type: "merge", body: { spec: { ports } } }));
  await lab.inject("port-rename", web);
  await lab.run(2000);
  expect(lab.routes("node-1")).toContain("default/web:http-new");
});

test("service-type-change: the node port is closed", async () => {
  expect(await lab.get(30_080)).toBe("200");
  await lab.inject("service-type-change", { ...web, parameters: { type: "ClusterIP" } });
  await lab.run(2000);
  expect(await lab.get(30_080)).not.toBe("200");
});

test("recreate-service: the Service has another uid and another address", async () => {
  const before = await lab.clusterIp("web");
  await lab.inject("recreate-service", web);
  await lab.run(2000);
  expect(await lab.clusterIp("web")).not.toBe(before);
});

test("delete-namespace: what was in it is gone with it", async () => {
  await lab.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "spare" } });
  await lab.inject("delete-namespace", { parameters: { namespace: "spare" } });
  await lab.run(20_000);
  const { items } = await lab.do(lab.client.list(namespaces));
  expect(items.map(({ metadata }) => metadata.name)).not.toContain("spare");
});

test("apply: an object is there, and changed by another", async () => {
  await lab.inject("apply", { parameters: { objects: [config] } });
  expect(await data()).toEqual({ a: "1" });
  await lab.inject("apply", { parameters: { objects: [{ ...config, data: { a: "2" } }] } });
  expect(await data()).toEqual({ a: "2" });
});

test("patch: what it names is changed", async () => {
  await lab.apply(config);
  await lab.inject("patch", { parameters: { object: "configmap/one", patch: { data: { b: "2" } } } });
  expect(await data()).toEqual({ a: "1", b: "2" });
});

test("delete: the object is gone", async () => {
  await lab.apply(config);
  await lab.inject("delete", { parameters: { object: "configmap/one" } });
  expect(await data()).toBeUndefined();
});

test("wait: nothing happens", async () => {
  const { resourceVersion } = (await lab.do(lab.client.get(deployments, at))).metadata;
  await lab.inject("wait");
  expect((await lab.do(lab.client.get(deployments, at))).metadata.resourceVersion).toBe(resourceVersion);
});

const holder = async () =>
  (await lab.do(lab.client.get(leases, { namespace: "kube-system", name: "kube-controller-manager" }))).spec
    .holderIdentity;

test("leader-failover: another instance takes the lease when it has run out, and goes on", async () => {
  const before = await holder();
  await lab.inject("leader-failover");
  await lab.scale("web", 4);
  await lab.run(40_000);

  expect(await holder()).not.toBe(before);
  expect(await lab.pods()).toHaveLength(4);
});

test("duplicate-instance: a stand-by does nothing; with split brain both write", async () => {
  const count = async (split: boolean): Promise<number> => {
    const target = { component: "controllers" as const };
    const fault = await lab.inject("duplicate-instance", { target, parameters: { split } });
    await lab.run(5000);
    const seen = lab.requests("kubesim-controllers/replicaset");
    await lab.scale("web", split ? 6 : 4);
    await lab.run(10_000);
    await fault.heal();
    return seen.length;
  };
  const alone = await count(false);
  expect(await count(true)).toBeGreaterThan(alone);
});
