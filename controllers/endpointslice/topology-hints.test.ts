import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Node } from "../../machinery/api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../../machinery/api/discovery-v1.js";
import type { NewSlice, SlicePlan } from "./plan.js";
import { allocate } from "./topology-allocation.js";
import { TopologyHints } from "./topology-hints.js";
import { ZoneCpu } from "./zone-cpu.js";

const KEY = "default/web";
const endpointsIn = (counts: Record<string, number>): Endpoint[] =>
  Object.entries(counts).flatMap(([zone, count]) =>
    Array.from({ length: count }, (_, i) => ({
      addresses: [`${zone}-${i}`],
      conditions: { ready: true },
      ...(zone === "none" ? {} : { zone }),
    })),
  );
const content = (endpoints: Endpoint[]): NewSlice => ({ addressType: "IPv4", ports: [], endpoints });
const aSlice = (endpoints: Endpoint[]): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" },
  addressType: "IPv4",
  endpoints,
});
const creating = (endpoints: Endpoint[]): SlicePlan => ({
  create: [content(endpoints)],
  update: [],
  remove: [],
});
const nothing = (): SlicePlan => ({ create: [], update: [], remove: [] });
const hintsOf = (endpoints: readonly Endpoint[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { hints } of endpoints)
    for (const { name } of hints?.forZones ?? []) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};
const hinted = ({ create }: SlicePlan) => hintsOf(create.flatMap(({ endpoints }) => endpoints));
const hints = (ratios: Record<string, number>) => new TopologyHints(() => new Map(Object.entries(ratios)));
const THIRDS = { a: 1 / 3, b: 1 / 3, c: 1 / 3 };

test("endpoints that are spread as the CPU is are hinted to their own zones, and an event says so once", () => {
  const topology = hints(THIRDS);
  const plan = creating(endpointsIn({ a: 2, b: 2, c: 2 }));
  expect(topology.add(KEY, "IPv4", plan, [])).toEqual([
    {
      type: "Normal",
      reason: "TopologyAwareHintsEnabled",
      message: "Topology Aware Hints has been enabled, addressType: IPv4",
    },
  ]);
  expect(hinted(plan)).toEqual({ a: 2, b: 2, c: 2 });
  expect(topology.add(KEY, "IPv4", creating(endpointsIn({ a: 2, b: 2, c: 2 })), [])).toEqual([]);
});

test("a zone with too many endpoints gives some to a zone with too few", () => {
  const plan = creating(endpointsIn({ a: 6, b: 2, c: 1 }));
  hints(THIRDS).add(KEY, "IPv4", plan, []);
  expect(hinted(plan)).toEqual({ a: 3, b: 3, c: 3 });
});

test.each([
  [{}, { a: 9 }, "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"],
  [THIRDS, { a: 2 }, "Insufficient number of endpoints (2 endpoints, 3 zones)"],
  [
    THIRDS,
    { a: 4 },
    "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones)",
  ],
  [THIRDS, { a: 3, b: 3, none: 3 }, "One or more endpoints do not have a zone specified"],
])("with CPU %j and endpoints %j there are no hints, and a warning", (ratios, counts, message) => {
  const plan = creating(endpointsIn(counts));
  expect(hints(ratios).add(KEY, "IPv4", plan, [])).toEqual([
    { type: "Warning", reason: "TopologyAwareHintsDisabled", message: `${message}, addressType: IPv4` },
  ]);
  expect(hinted(plan)).toEqual({});
});

test("an unchanged slice with valid hints is not written, one whose hints are wrong is", () => {
  const good = endpointsIn({ a: 2, b: 2, c: 2 }).map((e) => ({
    ...e,
    hints: { forZones: [{ name: e.zone ?? "" }] },
  }));
  const plan = nothing();
  hints(THIRDS).add(KEY, "IPv4", plan, [aSlice(good)]);
  expect(plan).toEqual(nothing());

  const lopsided = good.map((endpoint) => ({ ...endpoint, hints: { forZones: [{ name: "a" }] } }));
  hints(THIRDS).add(KEY, "IPv4", plan, [aSlice(lopsided)]);
  expect(plan.update.map((update) => hintsOf(update.content.endpoints))).toEqual([{ a: 2, b: 2, c: 2 }]);
});

test("hints that are no longer possible are taken out of slices that are otherwise unchanged", () => {
  const plan = nothing();
  const slice = aSlice(endpointsIn({ a: 2 }).map((e) => ({ ...e, hints: { forZones: [{ name: "a" }] } })));
  hints(THIRDS).add(KEY, "IPv4", plan, [slice]);
  expect(plan.update.map((update) => hintsOf(update.content.endpoints))).toEqual([{}]);
});

test("a service whose zones would be overloaded after nodes changed is looked at again", () => {
  let ratios = new Map(Object.entries(THIRDS));
  const topology = new TopologyHints(() => ratios);
  topology.add(KEY, "IPv4", creating(endpointsIn({ a: 2, b: 2, c: 2 })), []);
  expect(topology.overloaded()).toEqual([]);
  ratios = new Map([
    ["a", 0.8],
    ["b", 0.1],
    ["c", 0.1],
  ]);
  expect(topology.overloaded()).toEqual([KEY]);
  expect(topology.drop(KEY, "IPv4").map(({ message }) => message)).toEqual([
    "Topology Aware Hints has been disabled, addressType: IPv4",
  ]);
  expect(topology.overloaded()).toEqual([]);
});

test("every ready endpoint has one hint, and no zone is more than one short of what the overload threshold asks for", () => {
  const zones = fc.array(fc.record({ cpu: fc.integer({ min: 1, max: 64 }), pods: fc.nat(40) }), {
    minLength: 2,
    maxLength: 6,
  });
  fc.assert(
    fc.property(zones, (list) => {
      const cpus = list.reduce((sum, { cpu }) => sum + cpu, 0);
      const ratios = Object.fromEntries(list.map(({ cpu }, i) => [`z${i}`, cpu / cpus]));
      const endpoints = endpointsIn(Object.fromEntries(list.map(({ pods }, i) => [`z${i}`, pods])));
      const plan = creating(endpoints);
      const [event] = hints(ratios).add(KEY, "IPv4", plan, []);
      const counts = hinted(plan);
      const allocations = allocate(new Map(Object.entries(ratios)), endpoints.length);
      if (event?.type !== "Normal") return expect(counts).toEqual({});
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(endpoints.length);
      for (const [zone, { minimum }] of allocations ?? [])
        expect(counts[zone] ?? 0).toBeGreaterThanOrEqual(minimum - 1);
    }),
  );
});

const aNode = (
  name: string,
  zone: string | undefined,
  cpu: string,
  more: { ready?: boolean; role?: string } = {},
) =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      uid: name,
      resourceVersion: "1",
      creationTimestamp: "",
      labels: {
        ...(zone ? { "topology.kubernetes.io/zone": zone } : {}),
        ...(more.role ? { [`node-role.kubernetes.io/${more.role}`]: "" } : {}),
      },
    },
    spec: {},
    status: {
      allocatable: { cpu },
      conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
    },
  }) as Node;

test("zones weigh as much as their ready nodes' CPU; control planes do not count", () => {
  const cpu = new ZoneCpu();
  cpu.set(aNode("n1", "a", "3"));
  expect([...cpu.ratios]).toEqual([]);
  expect(cpu.set(aNode("n2", "b", "1000m"))).toBe(true);
  cpu.set(aNode("n3", "b", "8", { ready: false }));
  cpu.set(aNode("n4", "c", "8", { role: "control-plane" }));
  expect([...cpu.ratios]).toEqual([
    ["a", 0.75],
    ["b", 0.25],
  ]);
  expect(cpu.set(aNode("n2", "b", "1"))).toBe(false);
  expect(cpu.remove("n2")).toBe(true);
  expect([...cpu.ratios]).toEqual([]);
});

test("a single node without a zone takes everybody's hints", () => {
  const cpu = new ZoneCpu();
  for (const [name, zone] of [
    ["n1", "a"],
    ["n2", "b"],
    ["n3", undefined],
  ] as const)
    cpu.set(aNode(name, zone, "1"));
  expect(cpu.ratios.size).toBe(0);
  cpu.set(aNode("n3", "a", "1"));
  expect(cpu.ratios.get("a")).toBeCloseTo(2 / 3);
});
