import { expect, test } from "@jest/globals";
import { checkers } from "./checkers.js";
import type { Verdict } from "./checker.js";
import { type FlowRecord, type History, newHistory, type Operation, type PodRecord } from "./history.js";
import { newScenario, newTraffic } from "./scenario/defaults.js";

// A checker that never fails is a defect: each is shown a history that holds and one that does not.

const scenario = newScenario({
  name: "x",
  traffic: [newTraffic({ name: "outside", from: "host", service: "web" })],
  budgets: { failedRequests: 0 },
});
const pod = (change: Partial<PodRecord> = {}): PodRecord => ({
  atMs: 0,
  event: "ADDED",
  pod: "default/web-1",
  uid: "u",
  labels: { app: "web" },
  ready: true,
  terminating: false,
  ...change,
});
const ok: Operation = { client: "inside", atMs: 5000, tookMs: 1, outcome: "ok", status: 200 };
const failed: Operation = { ...ok, outcome: "failed", error: "Connection refused", local: "10.244.0.9:4000" };
const flow = (change: Partial<FlowRecord> = {}): FlowRecord => ({
  atMs: 5000,
  source: "10.244.0.9:4000",
  destination: "10.96.0.5:80",
  servicePort: "default/web",
  pod: "default/web-1",
  outcome: "open",
  ...change,
});
const history = (change: Partial<History> = {}): History =>
  newHistory({
    scenario: "x",
    seed: "1",
    startedAtMs: 0,
    endedAtMs: 10_000,
    operations: [ok],
    faults: [],
    flows: [flow()],
    pods: [pod()],
    services: [
      { atMs: 0, event: "ADDED", service: "default/web", clusterIP: "10.96.0.5", selector: { app: "web" } },
    ],
    ...change,
  });
const verdict = (name: string, of: History): Verdict | undefined =>
  checkers.find((checker) => checker.name === name)?.check(of, scenario, { grace: 2000 });

test("the request budget counts failures, and a run without traffic proves nothing", () => {
  expect(verdict("request-budget", history())?.held).toBe(true);
  expect(verdict("request-budget", history({ operations: [ok, failed] }))?.held).toBe(false);
  expect(verdict("request-budget", history({ operations: [] }))?.held).toBe(false);
});

test("a request to a pod that has been out of the selector for longer than the grace is a violation", () => {
  const left = pod({ atMs: 1000, event: "MODIFIED", labels: { app: "other" } });

  expect(verdict("only-selected-pods", history({ pods: [pod(), left] }))?.held).toBe(false);
  expect(verdict("only-selected-pods", history({ pods: [pod(), { ...left, atMs: 4000 }] }))?.held).toBe(true);
});

test("a request to an address that another pod has now is a violation, one to an address that nobody has is not", () => {
  const ip = "10.244.1.7";
  const gone = pod({ ip, atMs: 1000, event: "DELETED" });
  const heir = pod({ ip, atMs: 1500, pod: "default/other-1", labels: { app: "other" } });
  const routed = [flow({ backend: `${ip}:80` })];
  const judged = (...pods: PodRecord[]) => verdict("only-selected-pods", history({ flows: routed, pods }));

  expect(judged(pod({ ip }))?.held).toBe(true);
  expect(judged(pod({ ip }), gone)?.held).toBe(true);
  expect(judged(pod({ ip }), gone, heir)?.violations).toEqual([
    "10.244.0.9:4000 → default/web went to default/other-1 (10.244.1.7:80), which is not selected",
  ]);
  expect(judged(pod({ ip }), { ...gone, atMs: 4000 }, { ...heir, atMs: 4100 })?.held).toBe(true);
});

test("a request that was refused reached no pod", () => {
  const left = pod({ atMs: 1000, event: "MODIFIED", labels: { app: "other" } });
  const refused = [flow({ outcome: "refused" })];

  expect(verdict("only-selected-pods", history({ flows: refused, pods: [pod(), left] }))?.held).toBe(true);
});

test("a changed ClusterIP is a violation", () => {
  const [first] = history().services;
  const moved = { atMs: 10, event: "MODIFIED" as const, service: "default/web", clusterIP: "10.96.0.6" };

  expect(verdict("cluster-ip-stable", history())?.held).toBe(true);
  expect(verdict("cluster-ip-stable", history({ services: first ? [first, moved] : [] }))?.held).toBe(false);
});

test("a failed request is explained by the flow of its connection", () => {
  const refused = flow({ outcome: "refused", reason: "no endpoints" });

  expect(verdict("failures-explained", history({ operations: [failed], flows: [refused] }))?.held).toBe(true);
  expect(verdict("failures-explained", history({ operations: [failed], flows: [] }))?.held).toBe(false);
});

test("a failed request on a connection that is kept alive is explained by that connection, however old", () => {
  const kept = newScenario({
    name: "x",
    traffic: [newTraffic({ name: "inside", from: "pod", url: "http://web", keepAlive: true })],
  });
  const old = history({ operations: [{ ...failed, atMs: 60_000 }], flows: [flow({ outcome: "reset" })] });
  const held = (of: typeof scenario) =>
    checkers.find(({ name }) => name === "failures-explained")?.check(old, of, {}).held;

  expect(held(kept)).toBe(true);
  expect(held(scenario)).toBe(false);
});

test("a request that never opened is explained by a failed flow of its pod at that time, not by an open one", () => {
  const unopened = { ...failed, local: "10.244.0.9" };

  expect(
    verdict("failures-explained", history({ operations: [unopened], flows: [flow({ outcome: "refused" })] }))
      ?.held,
  ).toBe(true);
  expect(verdict("failures-explained", history({ operations: [unopened], flows: [flow()] }))?.held).toBe(
    false,
  );
});

test("a refusal on the host is explained while the Service has no endpoints, and only then", () => {
  const { local: _, ...rest } = failed;
  const refused = { ...rest, client: "outside" };
  const gone = pod({ atMs: 4900, event: "DELETED" });

  expect(
    verdict("failures-explained", history({ operations: [refused], flows: [], pods: [pod(), gone] }))?.held,
  ).toBe(true);
  expect(verdict("failures-explained", history({ operations: [refused], flows: [] }))?.held).toBe(false);
});
