import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { routeEntry } from "./route-entry.js";
import { selectBackends } from "./selection.js";
import type { Backend, ServicePortRoute } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const ready = (ip: string, nodeName: string, changes: Partial<Backend> = {}) =>
  aBackend(ip, { nodeName, ...changes });
const terminating = (ip: string, nodeName: string, serving = true) =>
  aBackend(ip, { nodeName, ready: false, serving, terminating: true });
const notReady = (ip: string, nodeName: string) => aBackend(ip, { nodeName, ready: false, serving: false });

const select = (
  route: Partial<ServicePortRoute>,
  scope: "cluster" | "external" | "node-port",
  vantage: { node?: string; zone?: string; external?: boolean } = {},
) => {
  const selection = selectBackends(routeEntry(aRoute("default/web", route)), scope, {
    external: false,
    ...vantage,
  });
  return selection.kind === "backends" ? selection.backends.map(({ ip }) => ip) : selection.kind;
};

test("ready endpoints are used, and terminating ones that serve only when none is ready", () => {
  const backends = [ready("1", "n1"), terminating("2", "n1"), notReady("3", "n1")];
  expect(select({ backends }, "cluster")).toEqual(["1"]);
  expect(select({ backends: backends.slice(1) }, "cluster")).toEqual(["2"]);
  expect(select({ backends: [terminating("2", "n1", false), notReady("3", "n1")] }, "cluster")).toBe(
    "reject",
  );
  expect(select({ backends: [] }, "cluster")).toBe("reject");
});

test("internalTrafficPolicy Local keeps to the node, and drops where it has no endpoint", () => {
  const route = {
    internalTrafficPolicy: "Local" as const,
    backends: [ready("1", "n1"), ready("2", "n2"), terminating("3", "n3")],
  };
  expect(select(route, "cluster", { node: "n1" })).toEqual(["1"]);
  expect(select(route, "cluster", { node: "n3" })).toEqual(["3"]);
  expect(select(route, "cluster", { node: "n4" })).toBe("drop");
  expect(select({ ...route, backends: [] }, "cluster", { node: "n1" })).toBe("reject");
});

test("externalTrafficPolicy Local binds traffic from outside only", () => {
  const route = { externalTrafficPolicy: "Local" as const, backends: [ready("1", "n1"), ready("2", "n2")] };
  expect(select(route, "node-port", { node: "n1", external: true })).toEqual(["1"]);
  expect(select(route, "node-port", { node: "n9", external: true })).toBe("drop");
  expect(select(route, "external", { node: "n9", external: false })).toEqual(["1", "2"]);
  expect(select(route, "cluster", { node: "n9" })).toEqual(["1", "2"]);
});

test("zone hints are followed when every ready endpoint has one and the node's zone has endpoints", () => {
  const backends = [ready("1", "n1", { zoneHints: ["a"] }), ready("2", "n2", { zoneHints: ["b"] })];
  expect(select({ backends }, "cluster", { node: "n1", zone: "a" })).toEqual(["1"]);
  expect(select({ backends }, "cluster", { node: "n1", zone: "c" })).toEqual(["1", "2"]);
  expect(select({ backends: [...backends, ready("3", "n3")] }, "cluster", { zone: "a" })).toEqual([
    "1",
    "2",
    "3",
  ]);
});

const backend = fc.record({
  ip: fc.ipV4(),
  nodeName: fc.constantFrom("n1", "n2", "n3"),
  ready: fc.boolean(),
  serving: fc.boolean(),
  terminating: fc.boolean(),
});

test("whatever the endpoints and policies, nothing is selected that is not ready while something ready may be", () => {
  fc.assert(
    fc.property(
      fc.array(backend),
      fc.constantFrom("Cluster" as const, "Local" as const),
      fc.constantFrom("n1", "n2", "n3"),
      (raw, internalTrafficPolicy, node) => {
        const backends = raw.map(({ ip, ...rest }) => aBackend(ip, rest));
        const entry = routeEntry(aRoute("default/web", { backends, internalTrafficPolicy }));
        const selection = selectBackends(entry, "cluster", { node, external: false });
        if (selection.kind !== "backends") return;
        const candidates =
          internalTrafficPolicy === "Local" ? backends.filter(({ nodeName }) => nodeName === node) : backends;
        const someReady = candidates.some((each) => each.ready);
        for (const chosen of selection.backends) {
          expect(candidates).toContain(chosen);
          if (someReady) expect(chosen.ready).toBe(true);
          else expect(chosen.serving && chosen.terminating).toBe(true);
        }
      },
    ),
  );
});

test("each address family has endpoints of its own", () => {
  const backends = [ready("10.244.1.2", "n1"), ready("fd00:1::2", "n1"), notReady("fd00:1::3", "n1")];
  const entry = routeEntry(aRoute("default/web", { backends }));
  const reached = (ipv6: boolean) => {
    const selection = selectBackends(entry, "cluster", { node: "n1", external: false, ipv6 });
    return selection.kind === "backends" ? selection.backends.map(({ ip }) => ip) : selection.kind;
  };
  expect([reached(false), reached(true)]).toEqual([["10.244.1.2"], ["fd00:1::2"]]);
});
