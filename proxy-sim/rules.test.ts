import { expect, test } from "@jest/globals";
import type { Service } from "../machinery/api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../machinery/api/discovery-v1.js";
import { nodeRouteOf, routesOf } from "./rules.js";

const metadata = (name: string, resourceVersion = "7") => ({
  name,
  namespace: "default",
  uid: `uid-${name}`,
  resourceVersion,
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const aService = (spec: Partial<Service["spec"]> = {}, labels?: Record<string, string>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { ...metadata("web"), ...(labels ? { labels } : {}) },
  spec: {
    type: "ClusterIP",
    clusterIP: "10.96.0.20",
    sessionAffinity: "None",
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
    ...spec,
  },
  status: { loadBalancer: {} },
});

const aSlice = (endpoints: Endpoint[], changes: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: metadata("web-abcde", "42"),
  addressType: "IPv4",
  endpoints,
  ports: [{ port: 8080, protocol: "TCP" }],
  ...changes,
});

test("a route carries the Service's addresses, its endpoints, and where they came from", () => {
  const slice = aSlice([
    {
      addresses: ["10.244.0.5"],
      nodeName: "node-1",
      targetRef: { kind: "Pod", namespace: "default", name: "web-1" },
    },
  ]);
  expect(routesOf(aService(), [slice])).toEqual([
    {
      servicePort: "default/web",
      serviceResourceVersion: "7",
      protocol: "TCP",
      clusterIPs: ["10.96.0.20"],
      port: 80,
      externalIPs: [],
      loadBalancerIPs: [],
      internalTrafficPolicy: "Cluster",
      externalTrafficPolicy: "Cluster",
      backends: [
        {
          ip: "10.244.0.5",
          port: 8080,
          ready: true,
          serving: true,
          terminating: false,
          weight: 1,
          slice: "default/web-abcde",
          sliceResourceVersion: "42",
          nodeName: "node-1",
          pod: "default/web-1",
        },
      ],
    },
  ]);
});

test.each([
  ["headless", aService({ clusterIP: "None" })],
  ["without an address yet", aService({ clusterIP: "" })],
  ["ExternalName", aService({ type: "ExternalName", externalName: "example.com" })],
  ["for another proxy", aService({}, { "service.kubernetes.io/service-proxy-name": "cilium" })],
])("a Service that is %s has no routes", (_, service) => {
  expect(routesOf(service, [aSlice([{ addresses: ["10.244.0.5"] }])])).toEqual([]);
});

test("a port takes the slice ports of its name and protocol, and no others", () => {
  const service = aService({
    ports: [
      { name: "http", port: 80, targetPort: 8080, protocol: "TCP" },
      { name: "dns", port: 53, targetPort: 5353, protocol: "UDP" },
    ],
  });
  const slice = aSlice([{ addresses: ["10.244.0.5"] }], {
    ports: [
      { name: "http", port: 8080, protocol: "TCP" },
      { name: "dns", port: 5353, protocol: "TCP" },
      { name: "dns", port: 5354, protocol: "UDP" },
    ],
  });
  const routes = routesOf(service, [slice]);
  expect(routes.map(({ servicePort, backends }) => [servicePort, backends.map(({ port }) => port)])).toEqual([
    ["default/web:http", [8080]],
    ["default/web:dns", [5354]],
  ]);
});

test("conditions that are not set count as ready and serving", () => {
  const conditions = [undefined, { ready: false }, { ready: false, serving: true, terminating: true }];
  const slice = aSlice(
    conditions.map((each, i) => ({
      addresses: [`10.244.0.${i + 1}`],
      ...(each ? { conditions: each } : {}),
    })),
  );
  const [route] = routesOf(aService(), [slice]);
  expect(route?.backends.map(({ ready, serving, terminating }) => [ready, serving, terminating])).toEqual([
    [true, true, false],
    [false, false, false],
    [false, true, true],
  ]);
});

test("an endpoint that is in two slices counts once, as ready if one of them says so", () => {
  const notReady = aSlice([{ addresses: ["10.244.0.5"], conditions: { ready: false } }]);
  const ready = aSlice([{ addresses: ["10.244.0.5"] }], { metadata: metadata("web-fghij") });
  const [route] = routesOf(aService(), [notReady, ready]);
  expect(route?.backends).toMatchObject([{ ip: "10.244.0.5", ready: true, slice: "default/web-fghij" }]);
});

test("session affinity lasts three hours unless the Service says otherwise", () => {
  const seconds = (sessionAffinityConfig?: Service["spec"]["sessionAffinityConfig"]) =>
    routesOf(
      aService({ sessionAffinity: "ClientIP", ...(sessionAffinityConfig ? { sessionAffinityConfig } : {}) }),
      [],
    )[0]?.sessionAffinitySeconds;
  expect([seconds(), seconds({ clientIP: { timeoutSeconds: 60 } })]).toEqual([10_800, 60]);
});

test("a node without a carrier annotation is known, and nobody carries its packets", () => {
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { ...metadata("node-1"), labels: { "topology.kubernetes.io/zone": "a" } },
    spec: { podCIDR: "10.244.0.0/24" },
    status: { addresses: [{ type: "InternalIP", address: "172.18.0.3" }] },
  };
  expect(nodeRouteOf(node)).toEqual({
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.0.0/24"],
    carrier: "",
    zone: "a",
  });
});

test("a slice's annotation gives its endpoints another weight, if it is one", () => {
  const weight = (text: string) =>
    routesOf(aService(), [
      aSlice([{ addresses: ["10.244.0.5"] }], {
        metadata: { ...metadata("web-abcde"), annotations: { "kubesim.dev/weight": text } },
      }),
    ])[0]?.backends[0]?.weight;
  expect(["3", "0", "70000", "-1", "2.5", "heavy", ""].map(weight)).toEqual([3, 0, 65_535, 1, 1, 1, 1]);
});

test("source ranges are kept, and an address whose balancer must see the traffic is not routed", () => {
  const service = aService({ type: "LoadBalancer", loadBalancerSourceRanges: [" 192.0.2.0/24"] });
  service.status = {
    loadBalancer: { ingress: [{ ip: "203.0.113.9" }, { ip: "203.0.113.10", ipMode: "Proxy" }] },
  };
  expect(routesOf(service, [])[0]).toMatchObject({
    loadBalancerIPs: ["203.0.113.9"],
    loadBalancerSourceRanges: ["192.0.2.0/24"],
  });
});
