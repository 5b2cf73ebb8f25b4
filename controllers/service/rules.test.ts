import { expect, test } from "@jest/globals";
import type { Node, Service, ServiceSpec } from "../../machinery/api/core-v1.js";
import { changeOf, CLEANUP_FINALIZER, isBalancedTo, needsCleanup, wantsBalancer } from "./rules.js";

const PORT = { port: 80, targetPort: 8080, protocol: "TCP" as const, nodePort: 30_080 };
const aService = (spec: Partial<ServiceSpec> = {}, metadata: Partial<Service["metadata"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: "web",
    namespace: "default",
    uid: "s",
    resourceVersion: "1",
    creationTimestamp: "",
    ...metadata,
  },
  spec: {
    type: "LoadBalancer",
    clusterIP: "10.96.0.9",
    sessionAffinity: "None",
    externalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    ports: [PORT],
    ...spec,
  },
  status: { loadBalancer: {} },
});

test("a Service of type LoadBalancer wants a balancer, unless another controller has its class", () => {
  expect(wantsBalancer(aService())).toBe(true);
  expect(wantsBalancer(aService({ loadBalancerClass: "example.com/mine" }))).toBe(false);
  expect(wantsBalancer(aService({ type: "NodePort" }))).toBe(false);
});

test("what carries the finalizer is cleaned up when it goes or changes its type", () => {
  const finalizers = [CLEANUP_FINALIZER];
  expect(needsCleanup(aService({}, { finalizers }))).toBe(false);
  expect(needsCleanup(aService({ type: "ClusterIP" }, { finalizers }))).toBe(true);
  expect(needsCleanup(aService({}, { finalizers, deletionTimestamp: "2026-01-01T00:00:00Z" }))).toBe(true);
  expect(needsCleanup(aService({ type: "ClusterIP" }))).toBe(false);
});

test.each([
  [{ type: "ClusterIP" }, "Type LoadBalancer -> ClusterIP"],
  [
    { loadBalancerSourceRanges: ["10.0.0.0/8", "192.168.0.0/16"] },
    "LoadBalancerSourceRanges [] -> [10.0.0.0/8 192.168.0.0/16]",
  ],
  [{ ports: [{ ...PORT, port: 81 }] }, "untold"],
  [{ sessionAffinity: "ClientIP" }, "untold"],
  [{ loadBalancerIP: "1.2.3.4" }, "LoadbalancerIP  -> 1.2.3.4"],
  [{ externalIPs: ["1.2.3.4"] }, "ExternalIP Count: 0 -> 1"],
  [{ externalTrafficPolicy: "Local" }, "ExternalTrafficPolicy Cluster -> Local"],
  [{ healthCheckNodePort: 31_000 }, "HealthCheckNodePort 0 -> 31000"],
  [{ ipFamilies: ["IPv4", "IPv6"] }, "IPFamilies Count: 1 -> 2"],
  [{ selector: { app: "web" } }, undefined],
  [{ internalTrafficPolicy: "Local" }, undefined],
] as [Partial<ServiceSpec>, string | undefined][])("a change to %j is followed: %s", (spec, told) => {
  const change = changeOf(aService(), aService(spec));
  const text = typeof change === "object" ? `${change.reason} ${change.message}` : change;
  expect(text).toBe(told);
});

test("an annotation is followed without an event, and a Service of no balancer not at all", () => {
  expect(changeOf(aService(), aService({}, { annotations: { a: "1" } }))).toBe("untold");
  expect(changeOf(aService({ type: "NodePort" }), aService({ type: "ClusterIP" }))).toBeUndefined();
});

test("nodes that are excluded, or about to be deleted by the autoscaler, get no traffic; those not ready may", () => {
  const node = (labels: Record<string, string>, taints: { key: string; effect: "NoSchedule" }[] = []): Node =>
    ({ metadata: { labels }, spec: { taints }, status: {} }) as unknown as Node;
  expect(isBalancedTo(node({}))).toBe(true);
  expect(isBalancedTo(node({ "node.kubernetes.io/exclude-from-external-load-balancers": "" }))).toBe(false);
  expect(isBalancedTo(node({}, [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }]))).toBe(
    false,
  );
  expect(isBalancedTo(node({}, [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]))).toBe(true);
});
