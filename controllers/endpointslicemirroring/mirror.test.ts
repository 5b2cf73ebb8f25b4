import { expect, test } from "@jest/globals";
import type { Endpoints, EndpointSubset, Service } from "../../machinery/api/core-v1.js";
import type { EndpointSlice } from "../../machinery/api/discovery-v1.js";
import type { SlicePlan } from "../endpointslice/plan.js";
import { mirrored, mirroredAnnotations, mirroredLabels, planMirror, shouldMirror } from "./mirror.js";

const anEndpoints = (
  subsets: EndpointSubset[],
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: {
    name: "db",
    namespace: "default",
    uid: "e",
    resourceVersion: "1",
    creationTimestamp: "",
    ...metadata,
  },
  subsets,
});
const aService = (selector?: Record<string, string>) =>
  ({ spec: { ports: [{ port: 80 }], ...(selector ? { selector } : {}) } }) as unknown as Service;
const PORTS = [{ port: 5432, protocol: "TCP" as const }];
const addresses = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ ip: `10.1.${(from + i) >> 8}.${(from + i) & 255}` }));
const shape = (object: Endpoints) =>
  mirrored(object).groups.map(({ addressType, endpoints }) => [
    addressType,
    endpoints.map(({ addresses: [ip], conditions }) => `${ip} ${conditions?.ready}`),
  ]);
const aSlice = (
  name: string,
  group: ReturnType<typeof mirrored>["groups"][number] | undefined,
): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" },
  addressType: group?.addressType ?? "IPv4",
  ports: group?.ports ?? [],
  endpoints: group?.endpoints ?? [],
});
const count = ({ create, update, remove }: SlicePlan) => [create.length, update.length, remove.length];

test("addresses of both families go to slices of their own, IPv6 in one spelling", () => {
  const subset = {
    addresses: [{ ip: "10.1.0.1" }, { ip: "FD00:0:0::1" }],
    notReadyAddresses: [{ ip: "10.1.0.2" }],
    ports: PORTS,
  };
  expect(shape(anEndpoints([subset]))).toEqual([
    ["IPv4", ["10.1.0.1 true", "10.1.0.2 false"]],
    ["IPv6", ["fd00::1 true"]],
  ]);
});

test("a subset is one slice of up to a thousand addresses, ready ones first", () => {
  const subset = { addresses: addresses(990), notReadyAddresses: addresses(30, 2000), ports: PORTS };
  const { groups, skippedCount, invalidCount } = mirrored(anEndpoints([subset]));
  expect(groups.map(({ endpoints }) => endpoints.filter((e) => e.conditions?.ready).length)).toEqual([990]);
  expect({ skippedCount, invalidCount }).toEqual({ skippedCount: 20, invalidCount: 0 });
  expect(count(planMirror(groups, [], () => true))).toEqual([1, 0, 0]);
});

test("addresses that are none are skipped and counted", () => {
  const subset = { addresses: [{ ip: "10.1.0.1" }, { ip: "web.example" }], ports: PORTS };
  expect(mirrored(anEndpoints([subset]))).toMatchObject({ invalidCount: 1, skippedCount: 1 });
});

test("only what differs is written, spare slices are deleted, and deleted ones are used again", () => {
  const { groups } = mirrored(anEndpoints([{ addresses: addresses(3), ports: PORTS }]));
  const [group] = groups;
  const current = aSlice("a", group);
  expect(count(planMirror(groups, [current], () => true))).toEqual([0, 0, 0]);
  expect(count(planMirror(groups, [current], () => false))).toEqual([0, 1, 0]);
  expect(count(planMirror(groups, [current, aSlice("b", group)], () => true))).toEqual([0, 0, 1]);
  expect(count(planMirror([], [current], () => true))).toEqual([0, 0, 1]);
  const others = mirrored(anEndpoints([{ addresses: addresses(3), ports: [{ port: 1, protocol: "TCP" }] }]));
  expect(count(planMirror(others.groups, [current], () => true))).toEqual([0, 1, 0]);
});

test.each([
  ["a Service without selector", aService(), {}, true],
  ["a Service with one", aService({ app: "db" }), {}, false],
  ["no Service", undefined, {}, false],
  ["skip-mirror", aService(), { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }, false],
  ["an election", aService(), { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }, false],
])("Endpoints with %s: mirrored %#", (_, service, metadata, expected) => {
  expect(shouldMirror(anEndpoints([], metadata), service)).toBe(expected);
});

test("slices have the labels and annotations of their Endpoints, but for times and kubectl's memory", () => {
  const object = anEndpoints([], {
    labels: { app: "db" },
    annotations: {
      team: "a",
      "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
    },
  });
  expect(mirroredAnnotations(object)).toEqual({ team: "a" });
  expect(mirroredLabels(object)).toEqual({
    app: "db",
    "kubernetes.io/service-name": "db",
    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
  });
});
