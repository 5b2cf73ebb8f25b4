import { expect, test } from "@jest/globals";
import type { Endpoint, EndpointSlice } from "../../machinery/api/discovery-v1.js";
import { type PortGroup, portGroupKey } from "./desired.js";
import { planSlices } from "./plan.js";

const PORTS = [{ name: "http", port: 80, protocol: "TCP" as const }];
const anEndpoint = (i: number, ready = true): Endpoint => ({
  addresses: [`10.244.${Math.floor(i / 250)}.${(i % 250) + 1}`],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { kind: "Pod", uid: `uid-${i}` },
});
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const aSlice = (name: string, endpoints: Endpoint[], ports = PORTS): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" },
  addressType: "IPv4",
  endpoints,
  ports,
});
const aGroup = (endpoints: Endpoint[], ports = PORTS): PortGroup => ({
  key: portGroupKey("IPv4", ports),
  addressType: "IPv4",
  ports,
  endpoints,
});
const plan = (existing: EndpointSlice[], groups: PortGroup[]) => {
  const { create, update, remove } = planSlices({
    existing,
    groups,
    addressTypes: ["IPv4"],
    isCurrent: () => true,
  });
  return {
    create: create.map(({ endpoints }) => endpoints.length),
    update: update.map(({ slice, content }) => [slice.metadata.name, content.endpoints.length]),
    remove: remove.map(({ metadata }) => metadata.name),
  };
};

test("250 endpoints fill slices of a hundred", () => {
  expect(plan([], [aGroup(range(0, 250).map((i) => anEndpoint(i)))])).toEqual({
    create: [100, 100, 50],
    update: [],
    remove: [],
  });
});

test("nothing is written when nothing changed", () => {
  const endpoints = range(0, 3).map((i) => anEndpoint(i));
  expect(plan([aSlice("a", endpoints)], [aGroup(endpoints)])).toEqual({ create: [], update: [], remove: [] });
});

test("one endpoint that changes writes its own slice only", () => {
  const first = range(0, 100).map((i) => anEndpoint(i));
  const second = range(100, 150).map((i) => anEndpoint(i));
  const wanted = [...first, ...second].map((endpoint, i) => (i === 120 ? anEndpoint(120, false) : endpoint));
  expect(plan([aSlice("a", first), aSlice("b", second)], [aGroup(wanted)])).toEqual({
    create: [],
    update: [["b", 50]],
    remove: [],
  });
});

test("new endpoints go to a slice that is written anyway, then to the fullest that has room for all", () => {
  const a = aSlice(
    "a",
    range(0, 40).map((i) => anEndpoint(i)),
  );
  const b = aSlice(
    "b",
    range(100, 160).map((i) => anEndpoint(i)),
  );
  const kept = [...a.endpoints, ...b.endpoints];
  const more = range(200, 230).map((i) => anEndpoint(i));
  expect(plan([a, b], [aGroup([...kept, ...more])]).update).toEqual([["b", 90]]);
  expect(plan([a, b], [aGroup([...kept.slice(1), ...more])]).update).toEqual([["a", 69]]);
});

test("a slice whose last endpoint went is deleted, but the last slice stays as an empty placeholder", () => {
  const a = aSlice("a", [anEndpoint(1)]);
  const b = aSlice("b", [anEndpoint(2)]);
  expect(plan([a, b], [aGroup([anEndpoint(1)])])).toEqual({ create: [], update: [], remove: ["b"] });
  expect(plan([a], [])).toEqual({ create: [], update: [["a", 0]], remove: [] });
  expect(plan([aSlice("empty", [], [])], [])).toEqual({ create: [], update: [], remove: [] });
});

test("pods whose named port differs get slices of their own", () => {
  const other = [{ name: "http", port: 8080, protocol: "TCP" as const }];
  expect(plan([], [aGroup([anEndpoint(1)]), aGroup([anEndpoint(2)], other)]).create).toEqual([1, 1]);
});

test("a slice of ports that nobody has any more is used again for new ones", () => {
  const old = aSlice("old", [anEndpoint(1)], [{ name: "http", port: 8080, protocol: "TCP" }]);
  expect(plan([old], [aGroup([anEndpoint(1)])])).toEqual({ create: [], update: [["old", 1]], remove: [] });
});
