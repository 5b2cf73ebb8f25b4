import { expect, test } from "@jest/globals";
import type { Verdict } from "../checker.js";
import { checkers } from "../checkers.js";
import { type EndpointSliceRecord, type History, newHistory, type PodRecord } from "../history.js";
import { judge } from "../judge.js";
import { newScenario } from "../scenario/defaults.js";
import type { Budgets } from "../scenario/types.js";

// A checker that never fails is a defect: each is shown a history that holds and one that does not.

const history = (change: Partial<History>): History =>
  newHistory({ scenario: "x", seed: "1", startedAtMs: 0, endedAtMs: 20_000, ...change });
const verdict = (name: string, budgets: Budgets, of: History): Verdict | undefined =>
  checkers
    .find((checker) => checker.name === name)
    ?.check(of, newScenario({ name: "x", budgets }), { within: 5000 });
const operation = (tookMs: number) => ({ client: "a", atMs: 0, tookMs, outcome: "ok" as const });

test("the latency budget looks at the slowest of a hundred, and at answered requests only", () => {
  const operations = [...Array.from({ length: 98 }, () => operation(5)), operation(300), operation(400)];
  const failed = { ...operation(5000), outcome: "failed" as const };

  expect(
    verdict("latency-budget", { latencyP99Ms: 300 }, history({ operations: [...operations, failed] })),
  ).toMatchObject({
    held: true,
    summary: "p50 5.00 ms, p99 300 ms",
  });
  expect(verdict("latency-budget", { latencyP99Ms: 200 }, history({ operations }))?.held).toBe(false);
  expect(verdict("latency-budget", { latencyP99Ms: 200 }, history({ operations: [failed] }))?.held).toBe(
    false,
  );
});

const entry = (programmed: { atMs: number; nodeCount: number }[]) => ({
  revision: 1,
  service: "default/web",
  object: "EndpointSlice default/web-x",
  type: "set" as const,
  receivedMs: 1000,
  programmed,
});
const tables = [
  { node: "node-1", revision: 1 },
  { node: "node-2", revision: 1 },
];

test("a change that one node learns late, or never, breaks the budget of tables", () => {
  const budgets = { tablesAgreeWithinMs: 2000 };
  const at = (...times: number[]) =>
    history({ tables, timeline: [entry(times.map((atMs) => ({ atMs, nodeCount: 1 })))] });

  expect(verdict("tables-agree", budgets, at(1100, 2900))?.held).toBe(true);
  expect(verdict("tables-agree", budgets, at(1100, 3100))?.held).toBe(false);
  expect(verdict("tables-agree", budgets, at(1100))?.violations[0]).toContain("reach 1 of 2 nodes");
});

const pod = (atMs: number, change: Partial<PodRecord>): PodRecord => ({
  atMs,
  event: "MODIFIED",
  pod: "default/web-1",
  uid: "u",
  labels: { app: "web" },
  ip: "10.244.0.2",
  ready: true,
  terminating: false,
  ...change,
});
const slice = (atMs: number, ready: boolean): EndpointSliceRecord => ({
  atMs,
  event: "MODIFIED",
  slice: "default/web-x",
  service: "default/web",
  endpoints: [{ address: "10.244.0.2", pod: "default/web-1", ready, serving: ready, terminating: false }],
  resourceVersion: "1",
});

test("endpoints that learn of a pod's readiness late, or never, break their budget", () => {
  const services = [{ atMs: 0, event: "ADDED" as const, service: "default/web", selector: { app: "web" } }];
  const budgets = { endpointsConvergeWithinMs: 2000 };
  const holds = (pods: PodRecord[], endpointSlices: EndpointSliceRecord[]) =>
    verdict("endpoints-converge", budgets, history({ services, pods, endpointSlices }))?.held;
  const comes = pod(1000, {});
  const goes = pod(9000, { terminating: true });

  expect(holds([comes, goes], [slice(1500, true), slice(9500, false)])).toBe(true);
  expect(holds([comes, goes], [slice(900, true), slice(8990, false)])).toBe(true);
  expect(holds([comes, goes], [slice(3500, true), slice(9500, false)])).toBe(false);
  expect(holds([comes, goes], [slice(1500, true)])).toBe(false);
  expect(holds([comes, pod(1500, { ready: false }), pod(1900, {})], [slice(2000, true)])).toBe(true);
});

test("a budget that is set is judged without its invariant being listed", () => {
  const scenario = newScenario({ name: "x", budgets: { tablesAgreeWithinMs: 1000 } });

  expect(judge(scenario, history({ tables })).verdicts.map(({ invariant }) => invariant)).toEqual([
    "tables-agree",
  ]);
});
