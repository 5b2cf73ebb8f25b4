import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Endpoint, EndpointSlice } from "../../machinery/api/discovery-v1.js";
import { portGroupKey } from "./desired.js";
import { MAX_ENDPOINTS_PER_SLICE, planSlices, type SlicePlan } from "./plan.js";

const PORTS = [{ name: "http", port: 80, protocol: "TCP" as const }];
const anEndpoint = (id: number, ready = true): Endpoint => ({
  addresses: [`10.${id >> 16}.${(id >> 8) & 255}.${id & 255}`],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { kind: "Pod", uid: `uid-${id}` },
});
const aSlice = (name: string, endpoints: Endpoint[]): EndpointSlice => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" },
  addressType: "IPv4",
  endpoints,
  ports: PORTS,
});

/** A slice by what becomes of its endpoints: how many stay as they are, how many change, how many go. */
interface Fate {
  same: number;
  changed: number;
  gone: number;
}

const fates = fc.array(
  fc
    .record({
      same: fc.integer({ min: 0, max: 100 }),
      changed: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 })),
      gone: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 })),
    })
    .filter(({ same, changed, gone }) => same + changed + gone > 0 && same + changed + gone <= 100),
  { maxLength: 6 },
);

interface World {
  existing: EndpointSlice[];
  wanted: Endpoint[];
}

function build(slices: readonly Fate[], newCount: number): World {
  let id = 0;
  const world: World = { existing: [], wanted: [] };
  for (const [i, { same, changed, gone }] of slices.entries()) {
    const endpoints: Endpoint[] = [];
    for (let n = 0; n < same + changed + gone; n++) {
      endpoints.push(anEndpoint(++id));
      if (n < same + changed) world.wanted.push(anEndpoint(id, n < same));
    }
    world.existing.push(aSlice(`slice-${i}`, endpoints));
  }
  for (let n = 0; n < newCount; n++) world.wanted.push(anEndpoint(++id));
  return world;
}

const planOf = ({ existing, wanted }: World): SlicePlan =>
  planSlices({
    existing,
    groups: [{ key: portGroupKey("IPv4", PORTS), addressType: "IPv4", ports: PORTS, endpoints: wanted }],
    addressTypes: ["IPv4"],
    isCurrent: () => true,
  });

/** The documented algorithm, counted: KEP-752, "reconciliation". */
function expectedWrites(slices: readonly Fate[], newCount: number) {
  const size = MAX_ENDPOINTS_PER_SLICE;
  const touched = slices.filter(({ same, changed, gone }) => changed + gone > 0 && same + changed > 0);
  const emptied = slices.filter(({ same, changed }) => same + changed === 0).length;
  const room = touched.reduce((sum, { same, changed }) => sum + size - same - changed, 0);
  const rest = Math.max(0, newCount - room);
  const untouched = slices.filter(({ changed, gone }) => changed + gone === 0).map(({ same }) => same);
  const last = rest % size;
  const fits = last > 0 && untouched.some((count) => count + last <= size);
  const added = Math.floor(rest / size) + (last > 0 && !fits ? 1 : 0);
  const recycled = Math.min(added, emptied);
  return {
    create: added - recycled,
    update: touched.length + (fits ? 1 : 0) + recycled,
    remove: emptied - recycled,
  };
}

const result = ({ existing }: World, plan: SlicePlan): Endpoint[][] => {
  const written = new Set([...plan.remove, ...plan.update.map(({ slice }) => slice)]);
  return [
    ...existing.filter((slice) => !written.has(slice)).map(({ endpoints }) => endpoints),
    ...plan.update.map(({ content }) => content.endpoints),
    ...plan.create.map(({ endpoints }) => endpoints),
  ];
};

test("slices end with every wanted endpoint once, in its present state, and a hundred at most", () => {
  fc.assert(
    fc.property(fates, fc.integer({ min: 0, max: 350 }), (slices, newCount) => {
      const world = build(slices, newCount);
      const lists = result(world, planOf(world));
      const text = (endpoints: Endpoint[]) => endpoints.map((endpoint) => JSON.stringify(endpoint)).sort();
      expect(text(lists.flat())).toEqual(text(world.wanted));
      for (const list of lists) expect(list.length).toBeLessThanOrEqual(MAX_ENDPOINTS_PER_SLICE);
    }),
  );
});

test("there are as many writes as the documented algorithm makes", () => {
  fc.assert(
    fc.property(fates, fc.integer({ min: 0, max: 350 }), (slices, newCount) => {
      const world = build(slices, newCount);
      if (world.wanted.length === 0) return;
      const { create, update, remove } = planOf(world);
      expect({ create: create.length, update: update.length, remove: remove.length }).toEqual(
        expectedWrites(slices, newCount),
      );
    }),
  );
});

test("one pod of five thousand that changes costs one write of one slice", () => {
  const slices = Array.from({ length: 50 }, () => ({ same: 100, changed: 0, gone: 0 }));
  slices[30] = { same: 99, changed: 1, gone: 0 };
  const plan = planOf(build(slices, 0));
  expect({ ...plan, update: plan.update.map(({ slice }) => slice.metadata.name) }).toEqual({
    create: [],
    update: ["slice-30"],
    remove: [],
  });
});

test("a restart plans nothing: what was planned is stable", () => {
  fc.assert(
    fc.property(fates, fc.integer({ min: 0, max: 350 }), (slices, newCount) => {
      const world = build(slices, newCount);
      const existing = result(world, planOf(world)).map((endpoints, i) => aSlice(`again-${i}`, endpoints));
      if (world.wanted.length === 0) return;
      expect(planOf({ existing, wanted: world.wanted })).toEqual({ create: [], update: [], remove: [] });
    }),
  );
});
