import { expect, test } from "@jest/globals";
import type { Pod, Service } from "../../machinery/api/core-v1.js";
import { desiredSubsets, truncateSubsets } from "./subsets.js";

const aService = (spec: Partial<Service["spec"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default", uid: "s", resourceVersion: "1", creationTimestamp: "" },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.50",
    sessionAffinity: "None",
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: "http", protocol: "TCP" }],
    ...spec,
  },
  status: { loadBalancer: {} },
});
interface Traits {
  ready?: boolean;
  port?: number;
  deleted?: boolean;
  phase?: Pod["status"]["phase"];
  hostname?: string;
}
const aPod = (
  ip: string,
  { ready = true, port = 8080, deleted, phase = "Running", hostname }: Traits = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `pod-${ip}`,
    namespace: "default",
    uid: `uid-${ip}`,
    resourceVersion: "1",
    creationTimestamp: "",
    ...(deleted ? { deletionTimestamp: "2026-03-01T00:00:00Z" } : {}),
  },
  spec: {
    nodeName: "node-1",
    restartPolicy: "Always",
    containers: [
      { name: "c", image: "nginx", ports: [{ name: "http", containerPort: port, protocol: "TCP" }] },
    ],
    ...(hostname ? { hostname, subdomain: "web" } : {}),
  },
  status: { phase, podIP: ip, conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
});
const shape = (service: Service, pods: Pod[]) =>
  desiredSubsets(service, pods).map(({ addresses, notReadyAddresses, ports }) => ({
    ready: addresses?.map(({ ip }) => ip) ?? [],
    notReady: notReadyAddresses?.map(({ ip }) => ip) ?? [],
    ports: ports?.map(({ port }) => port) ?? [],
  }));

test("ready pods and others share a subset, sorted by address", () => {
  const pods = [aPod("10.244.0.9"), aPod("10.244.0.3", { ready: false }), aPod("10.244.0.2")];
  expect(shape(aService(), pods)).toEqual([
    { ready: ["10.244.0.2", "10.244.0.9"], notReady: ["10.244.0.3"], ports: [8080] },
  ]);
});

test("pods whose named port differs are in subsets of their own", () => {
  expect(shape(aService(), [aPod("10.244.0.2"), aPod("10.244.0.3", { port: 9090 })])).toEqual([
    { ready: ["10.244.0.2"], notReady: [], ports: [8080] },
    { ready: ["10.244.0.3"], notReady: [], ports: [9090] },
  ]);
});

test("finished and terminating pods are left out, unless not ready ones are published", () => {
  const pods = [aPod("10.244.0.2", { phase: "Succeeded" }), aPod("10.244.0.3", { deleted: true })];
  expect(shape(aService(), pods)).toEqual([]);
  expect(
    shape(aService({ publishNotReadyAddresses: true }), [...pods, aPod("10.244.0.4", { ready: false })]),
  ).toEqual([{ ready: ["10.244.0.3", "10.244.0.4"], notReady: [], ports: [8080] }]);
});

test("a headless service without ports lists addresses alone, and hostnames where pods have one in it", () => {
  const headless = aService({ clusterIP: "None", ports: [] });
  const [subset] = desiredSubsets(headless, [aPod("10.244.0.2", { hostname: "db-0" })]);
  expect(subset?.ports).toBeUndefined();
  expect(subset?.addresses?.[0]).toMatchObject({ ip: "10.244.0.2", hostname: "db-0", nodeName: "node-1" });
});

const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }));
const aSubset = (ready: number, notReady: number, port: number) => ({
  ...(ready > 0 ? { addresses: addresses(ready) } : {}),
  ...(notReady > 0 ? { notReadyAddresses: addresses(notReady) } : {}),
  ports: [{ port }],
});

test.each([
  [
    "those that are not ready go first",
    [
      [600, 300],
      [300, 0],
    ],
    [
      [600, 100],
      [300, 0],
    ],
  ],
  [
    "none that is not ready is left beside a thousand ready ones",
    [
      [700, 10],
      [301, 5],
    ],
    [
      [700, 0],
      [300, 0],
    ],
  ],
  [
    "each subset keeps its part, rounded up, and the last one what is left",
    [
      [1500, 9],
      [1500, 9],
      [3, 0],
    ],
    [
      [500, 0],
      [500, 0],
    ],
  ],
  ["exactly a thousand are not too many", [[999, 1]], [[999, 1]]],
])("of more than a thousand addresses, %s", (_, before, after) => {
  const { subsets, truncated } = truncateSubsets(before.map(([a = 0, b = 0], i) => aSubset(a, b, 80 + i)));
  expect(truncated).toBe(before !== after && JSON.stringify(before) !== JSON.stringify(after));
  expect(subsets.map((s) => [s.addresses?.length ?? 0, s.notReadyAddresses?.length ?? 0])).toEqual(after);
});

test("Endpoints have one family: the Service's first", () => {
  const pod = aPod("10.244.0.2");
  pod.status.podIPs = [{ ip: "10.244.0.2" }, { ip: "fd00::2" }];
  const ips = (ipFamilies: ("IPv4" | "IPv6")[]) =>
    shape(aService({ ipFamilies }), [pod]).map(({ ready }) => ready);
  expect(ips(["IPv4", "IPv6"])).toEqual([["10.244.0.2"]]);
  expect(ips(["IPv6", "IPv4"])).toEqual([["fd00::2"]]);
  expect(shape(aService({ ipFamilies: ["IPv6"] }), [aPod("10.244.0.2")])).toEqual([]);
});
