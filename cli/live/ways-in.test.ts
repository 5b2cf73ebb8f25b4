import { expect, test } from "@jest/globals";
import type { Node, Pod, Service } from "../../machinery/api/core-v1.js";
import type { EndpointSlice } from "../../machinery/api/discovery-v1.js";
import { hostPortsInto, waysInto } from "./ways-in.js";

const aService = (
  spec: Partial<Service["spec"]>,
  status: Service["status"] = { loadBalancer: {} },
): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" } as Service["metadata"],
  spec: { type: "ClusterIP", sessionAffinity: "None", ...spec },
  status,
});

const node = {
  metadata: { name: "node-1" },
  status: { addresses: [{ type: "InternalIP", address: "172.18.0.3" }] },
} as Node;

const slice = {
  metadata: { namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "", port: 8080, protocol: "TCP" }],
  endpoints: [
    { addresses: ["10.244.0.2"], conditions: { ready: false } },
    { addresses: ["10.244.0.3"], conditions: { ready: true } },
  ],
} as unknown as EndpointSlice;

const ports = [{ port: 80, protocol: "TCP" as const, targetPort: 8080, nodePort: 30080 }];
const summary = (service: Service, slices = [slice]) =>
  waysInto(service, slices, node).map(({ way, address }) => [
    way,
    address && `${address.ip}:${address.port}`,
  ]);

test("a LoadBalancer Service is a NodePort Service is a ClusterIP Service", () => {
  const service = aService(
    { type: "LoadBalancer", clusterIP: "10.96.0.9", ports },
    { loadBalancer: { ingress: [{ ip: "127.3.1.1" }] } },
  );

  expect(summary(service)).toEqual([
    ["cluster IP", "10.96.0.9:80"],
    ["node port", "172.18.0.3:30080"],
    ["load balancer", "127.3.1.1:80"],
    ["pod IP", "10.244.0.3:8080"],
  ]);
});

test("a load balancer without an address and a Service without ready pods have no address to try", () => {
  const service = aService({ type: "LoadBalancer", clusterIP: "10.96.0.9", ports });

  expect(summary(service, []).slice(2)).toEqual([
    ["load balancer", undefined],
    ["pod IP", undefined],
  ]);
});

test("a headless Service is reached by its pods only, an ExternalName by its name", () => {
  const headless = aService({ clusterIP: "None", ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }] });
  const external = aService({ type: "ExternalName", externalName: "example.com" });

  expect(summary(headless)).toEqual([["pod IP", "10.244.0.3:8080"]]);
  expect(waysInto(external, [], node)).toMatchObject([
    { way: "CNAME", name: "web.default.svc.cluster.local" },
  ]);
});

test("both families, external addresses and ports of UDP are ways of their own; SCTP is none here", () => {
  const dual = aService({
    clusterIP: "10.96.0.9",
    clusterIPs: ["10.96.0.9", "fd00:10:96::9"],
    externalIPs: ["203.0.113.7"],
    ports: [
      { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
      { name: "sctp", port: 54, protocol: "SCTP", targetPort: 54 },
    ],
  });
  const slices = ["10.244.0.3", "10.244.0.4", "fd00:10:244::3"].map((ip) => ({
    ...slice,
    ports: [{ name: "dns", port: 53, protocol: "UDP" }],
    endpoints: [{ addresses: [ip] }],
  })) as unknown as EndpointSlice[];

  const ways = waysInto(dual, slices, node).map(
    ({ way, protocol, address }) => `${way} ${address?.ip} ${protocol}`,
  );

  expect(ways.sort()).toEqual([
    "cluster IP 10.96.0.9 UDP",
    "cluster IP fd00:10:96::9 UDP",
    "external IP 203.0.113.7 UDP",
    "pod IP 10.244.0.3 UDP",
    "pod IP fd00:10:244::3 UDP",
  ]);
});

test("a host port of a pod behind the Service is a way past it", () => {
  const aPod = (name: string) =>
    ({
      metadata: { name, namespace: "default" },
      spec: { containers: [{ ports: [{ containerPort: 80, hostPort: 8099, protocol: "TCP" }] }] },
      status: { hostIP: "172.18.0.4" },
    }) as unknown as Pod;
  const behind = { ...slice, endpoints: [{ addresses: ["10.244.0.3"], targetRef: { name: "web-1" } }] };

  const ways = hostPortsInto(
    aService({ clusterIP: "10.96.0.9", ports }),
    [behind as unknown as EndpointSlice],
    [aPod("web-1"), aPod("other")],
  );

  expect(ways).toMatchObject([
    { way: "host port", address: { ip: "172.18.0.4", port: 8099 }, servicePort: "pod default/web-1" },
  ]);
});
