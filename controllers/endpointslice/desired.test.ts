import { expect, test } from "@jest/globals";
import type { Node, Pod, Service, ServiceSpec } from "../../machinery/api/core-v1.js";
import { desiredGroups, sliceLabels } from "./desired.js";

const aService = (spec: Partial<ServiceSpec> = {}, annotations: Record<string, string> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "s",
    resourceVersion: "1",
    creationTimestamp: "",
    labels: { team: "a", "service.kubernetes.io/headless": "mine", "kubernetes.io/service-name": "mine" },
    annotations,
  },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.50",
    sessionAffinity: "None",
    ipFamilies: ["IPv4", "IPv6"],
    selector: { app: "web" },
    ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP", appProtocol: "kubernetes.io/h2c" }],
    ...spec,
  },
  status: { loadBalancer: {} },
});

interface Traits {
  ready?: boolean;
  deleted?: boolean;
  port?: number;
  ips?: string[];
  nodeName?: string;
  phase?: Pod["status"]["phase"];
  spec?: Partial<Pod["spec"]>;
}
const aPod = (n: number, traits: Traits = {}): Pod => {
  const { ready = true, deleted, port = 8080, nodeName = "node-1", phase = "Running", spec } = traits;
  const ips = traits.ips ?? [`10.244.0.${n}`, `fd00:10:244::${n}`];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `web-${n}`,
      namespace: "default",
      uid: `uid-${n}`,
      resourceVersion: "1",
      creationTimestamp: "",
      ...(deleted ? { deletionTimestamp: "2026-03-01T00:00:00Z" } : {}),
    },
    spec: {
      nodeName,
      restartPolicy: "Always",
      containers: [
        { name: "c", image: "nginx", ports: [{ name: "web", containerPort: port, protocol: "TCP" }] },
      ],
      ...spec,
    },
    status: {
      phase,
      ...(ips[0] ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
};
const NODES: Record<string, string | undefined> = { "node-1": "zone-a", "node-2": undefined };
const nodeOf = (name: string): Node | undefined =>
  name in NODES
    ? ({
        metadata: { name, labels: NODES[name] ? { "topology.kubernetes.io/zone": NODES[name] } : {} },
      } as Node)
    : undefined;
const groups = (service: Service, pods: Pod[]) => desiredGroups(service, pods, nodeOf);
const endpoints = (service: Service, pods: Pod[], family = "IPv4") =>
  groups(service, pods)
    .filter(({ addressType }) => addressType === family)
    .flatMap((group) => group.endpoints);

test("a dual-stack Service has slices of both families, one of a single family of that", () => {
  const shape = (service: Service) =>
    groups(service, [aPod(1), aPod(2)]).map(({ addressType, endpoints: list }) => [
      addressType,
      list.flatMap(({ addresses }) => addresses),
    ]);
  expect(shape(aService())).toEqual([
    ["IPv4", ["10.244.0.1", "10.244.0.2"]],
    ["IPv6", ["fd00:10:244::1", "fd00:10:244::2"]],
  ]);
  expect(shape(aService({ ipFamilies: ["IPv6"] }))).toEqual([["IPv6", ["fd00:10:244::1", "fd00:10:244::2"]]]);
});

test("a pod without an address of a family is in the slices of the other only", () => {
  const single = aPod(1, { ips: ["10.244.0.1"] });
  expect(endpoints(aService(), [single], "IPv4")).toHaveLength(1);
  expect(endpoints(aService(), [single], "IPv6")).toHaveLength(0);
});

test.each([
  [{}, false, { ready: true, serving: true, terminating: false }],
  [{ ready: false }, false, { ready: false, serving: false, terminating: false }],
  [{ deleted: true }, false, { ready: false, serving: true, terminating: true }],
  [{ ready: false, deleted: true }, false, { ready: false, serving: false, terminating: true }],
  [{ ready: false }, true, { ready: true, serving: false, terminating: false }],
  [{ deleted: true }, true, { ready: true, serving: true, terminating: true }],
] as [Traits, boolean, object][])(
  "a pod that is %j, not ready ones published %s: conditions %j",
  (traits, publishNotReadyAddresses, conditions) => {
    const [endpoint] = endpoints(aService({ publishNotReadyAddresses }), [aPod(1, traits)]);
    expect(endpoint?.conditions).toEqual(conditions);
  },
);

test("an endpoint tells node, zone, pod, and the hostname in the headless Service that its pod names", () => {
  const pod = aPod(1, { spec: { hostname: "db-0", subdomain: "web" } });
  expect(endpoints(aService(), [pod])[0]).toEqual({
    addresses: ["10.244.0.1"],
    conditions: { ready: true, serving: true, terminating: false },
    hostname: "db-0",
    nodeName: "node-1",
    zone: "zone-a",
    targetRef: { kind: "Pod", namespace: "default", name: "web-1", uid: "uid-1" },
  });
  expect(
    endpoints(aService(), [aPod(1, { spec: { hostname: "db-0", subdomain: "other" } })])[0],
  ).not.toHaveProperty("hostname");
});

test("finished pods, pods without an address and pods of unknown nodes have no endpoint", () => {
  const pods = [aPod(1, { phase: "Succeeded" }), aPod(2, { ips: [] }), aPod(3, { nodeName: "node-9" })];
  expect(endpoints(aService(), pods)).toEqual([]);
  expect(endpoints(aService({ publishNotReadyAddresses: true }), pods)).toHaveLength(1);
});

test("pods whose named port differs are in groups of their own, with the Service's names and appProtocol", () => {
  const list = groups(aService({ ipFamilies: ["IPv4"] }), [aPod(1), aPod(2, { port: 9090 }), aPod(3)]);
  expect(list.map((group) => [group.ports[0]?.port, group.endpoints.length])).toEqual([
    [8080, 2],
    [9090, 1],
  ]);
  expect(list[0]?.ports).toEqual([
    { name: "http", port: 8080, protocol: "TCP", appProtocol: "kubernetes.io/h2c" },
  ]);
});

test.each([
  [undefined, {}, "node-1", undefined],
  ["PreferClose", {}, "node-1", { forZones: [{ name: "zone-a" }] }],
  ["PreferSameZone", {}, "node-1", { forZones: [{ name: "zone-a" }] }],
  ["PreferSameNode", {}, "node-1", { forNodes: [{ name: "node-1" }], forZones: [{ name: "zone-a" }] }],
  ["PreferSameNode", {}, "node-2", { forNodes: [{ name: "node-2" }] }],
  ["PreferClose", {}, "node-2", undefined],
  ["PreferClose", { "service.kubernetes.io/topology-mode": "Auto" }, "node-1", undefined],
] as [string | undefined, Record<string, string>, string, object | undefined][])(
  "trafficDistribution %s with annotations %j hints a pod on %s: %j",
  (trafficDistribution, annotations, nodeName, hints) => {
    const service = aService(trafficDistribution ? { trafficDistribution } : {}, annotations);
    expect(endpoints(service, [aPod(1, { nodeName })])[0]?.hints).toEqual(hints);
    expect(endpoints(service, [aPod(1, { nodeName, ready: false })])[0]?.hints).toBeUndefined();
  },
);

test("slices have the Service's labels, but those that say whose they are", () => {
  const own = {
    team: "a",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  };
  expect(sliceLabels(aService())).toEqual(own);
  expect(sliceLabels(aService({ clusterIP: "None" }))).toEqual({
    ...own,
    "service.kubernetes.io/headless": "",
  });
});
