import { expect, test } from "@jest/globals";
import type { Node, NodeCondition, Taint } from "../../machinery/api/core-v1.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { GRACE_MS, hear, isSilent, silentConditions } from "./health.js";
import { planTaints } from "./taints.js";
import { EvictionLimiter, zoneState } from "./zones.js";

const NOW = "2026-03-01T00:00:00Z";
const aNode = (
  ready: NodeCondition["status"] | undefined,
  taints: Taint[] = [],
  unschedulable = false,
): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1", uid: "u", resourceVersion: "1", creationTimestamp: NOW },
  spec: { ...(taints.length > 0 ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
  status: { conditions: ready ? [{ type: "Ready", status: ready, lastHeartbeatTime: NOW }] : [] },
});
const texts = (taints: readonly Taint[] | undefined): string[] | undefined =>
  taints?.map(({ key, effect }) => `${key.replace("node.kubernetes.io/", "")}:${effect}`);
const plan = (node: Node, mayEvict = true) => texts(planTaints(node, { mayEvict: () => mayEvict, now: NOW }));

test("a node that becomes ready loses the taint it was registered with, and keeps the user's", () => {
  const own: Taint = { key: "dedicated", value: "gpu", effect: "NoSchedule" };
  const registered: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
  expect(plan(aNode("True", [own, registered]))).toEqual(["dedicated:NoSchedule"]);
  expect(plan(aNode("True", [own]))).toBeUndefined();
});

test("a node that is not ready is tainted at once against scheduling, against staying only when evictions may begin", () => {
  expect(plan(aNode("False"))).toEqual(["not-ready:NoSchedule", "not-ready:NoExecute"]);
  expect(plan(aNode("Unknown"), false)).toEqual(["unreachable:NoSchedule"]);
});

test("a node that turns from not ready to unreachable goes on evicting without waiting for its turn again", () => {
  const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute", timeAdded: NOW };
  const evicting = (already: boolean): boolean => already;
  expect(texts(planTaints(aNode("Unknown", [notReady]), { mayEvict: evicting, now: NOW }))).toEqual([
    "unreachable:NoSchedule",
    "unreachable:NoExecute",
  ]);
});

test("a cordoned node has the taint that says so", () => {
  expect(plan(aNode("True", [], true))).toEqual(["unschedulable:NoSchedule"]);
});

test("a node is silent after fifty seconds without a renewed lease or a heartbeat, by the controller's own clock", () => {
  const node = aNode("True");
  const heard = hear(undefined, node, "lease-1", 0);
  expect(isSilent(node, hear(heard, node, "lease-1", GRACE_MS), GRACE_MS)).toBe(false);
  expect(isSilent(node, hear(heard, node, "lease-1", GRACE_MS + 1), GRACE_MS + 1)).toBe(true);
  expect(isSilent(node, hear(heard, node, "lease-2", GRACE_MS + 1), GRACE_MS + 1)).toBe(false);
});

test("what the controller itself says of a silent node is no sign of life", () => {
  const node = aNode("True");
  const heard = hear(undefined, node, "lease", 0);
  const conditions = silentConditions(node, "2026-03-01T00:01:00Z") ?? [];
  const marked = { ...node, status: { conditions } };
  expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ["Ready", "Unknown", "NodeStatusUnknown"],
    ["MemoryPressure", "Unknown", "NodeStatusNeverUpdated"],
    ["DiskPressure", "Unknown", "NodeStatusNeverUpdated"],
    ["PIDPressure", "Unknown", "NodeStatusNeverUpdated"],
  ]);
  expect(silentConditions(marked, NOW)).toBeUndefined();
  expect(hear(heard, marked, "lease", 60_000).heardMs).toBe(60_000);
});

test("a zone is disrupted when more than half of it, and more than two nodes, are down", () => {
  const nodes = (up: number, down: number): Node[] => [
    ...Array.from({ length: up }, () => aNode("True")),
    ...Array.from({ length: down }, () => aNode("Unknown")),
  ];
  expect(zoneState(nodes(2, 1))).toBe("Normal");
  expect(zoneState(nodes(1, 2))).toBe("Normal");
  expect(zoneState(nodes(2, 3))).toBe("PartialDisruption");
  expect(zoneState(nodes(0, 3))).toBe("FullDisruption");
});

test("when every node is down evictions stop: the fault is more likely on this side", () => {
  const clock = new VirtualClock();
  const nodes = [aNode("Unknown"), aNode("Unknown")];
  const [node] = nodes;
  if (!node) throw new Error("no node");
  expect(new EvictionLimiter(clock, () => nodes).mayEvict(node, true)).toBe(false);
  const limiter = new EvictionLimiter(clock, () => [...nodes, aNode("True")]);
  expect([
    limiter.mayEvict(node, false),
    limiter.mayEvict(node, false),
    limiter.mayEvict(node, true),
  ]).toEqual([true, false, true]);
});
