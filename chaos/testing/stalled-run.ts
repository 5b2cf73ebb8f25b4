import { type History, newHistory, type Operation, type PodRecord } from "../history.js";
import { newScenario, newTraffic } from "../scenario/defaults.js";
import type { Scenario } from "../scenario/types.js";

/** Wall time of the start. */
export const START_MS = Date.parse("2026-03-01T00:00:00Z");
const at = (seconds: number): number => START_MS + seconds * 1000;

/** One client, and a budget of no failed request. */
export const stalledScenario: Scenario = newScenario({
  name: "stalled",
  seed: "7",
  durationMs: 8000,
  traffic: [newTraffic({ name: "inside", from: "pod", url: "http://web", keepAlive: false })],
  budgets: { failedRequests: 0 },
});

const pod = (seconds: number, given: Partial<PodRecord> = {}): PodRecord => ({
  atMs: at(seconds),
  event: "MODIFIED",
  pod: "default/web-1",
  uid: "u1",
  labels: { app: "web" },
  ip: "10.244.1.7",
  node: "node-2",
  phase: "Running",
  ready: true,
  terminating: false,
  ...given,
});

const endpoint = (ready: boolean) => ({
  address: "10.244.1.7",
  pod: "default/web-1",
  node: "node-2",
  ready,
  serving: ready,
  terminating: !ready,
});

const slice = (seconds: number, resourceVersion: string, ready: boolean) => ({
  atMs: at(seconds),
  event: "MODIFIED" as const,
  slice: "default/web-abc",
  service: "default/web",
  endpoints: [endpoint(ready)],
  resourceVersion,
});

const answered = (seconds: number): Operation => ({
  client: "inside",
  atMs: at(seconds),
  tookMs: 2,
  outcome: "ok",
  status: 200,
  local: "10.244.0.2:40001",
});

const refused = (seconds: number): Operation => ({
  client: "inside",
  atMs: at(seconds),
  tookMs: 1,
  outcome: "failed",
  error: "Connection refused",
  local: "10.244.0.2",
});

const refusedFlow = (seconds: number) => ({
  atMs: at(seconds) + 1,
  source: "10.244.0.2:40000",
  destination: "10.96.0.9:80",
  servicePort: "default/web:80/TCP",
  node: "node-2",
  tableRevision: 12,
  pod: "default/web-1",
  backend: "10.244.1.7:80",
  outcome: "refused",
});

/** A pod is deleted at 3 s while the table of node-2 stands still until 6 s: requests at 4 s and 5 s are refused. */
export const stalledHistory = (given: Partial<History> = {}): History =>
  newHistory({
    scenario: "stalled",
    seed: "7",
    startedAtMs: START_MS,
    endedAtMs: at(9),
    operations: [answered(1), answered(2), refused(4), refused(5), answered(7)],
    flows: [refusedFlow(4), refusedFlow(5)],
    faults: [
      {
        id: "stalled.1.stall.0",
        name: "stall",
        fault: "proxy-stall",
        atMs: at(1),
        target: { hits: ["node-2"] },
        outcome: "injected",
        endsAtMs: at(6),
        healedAtMs: at(6),
      },
      {
        id: "stalled.1.killer.0",
        name: "killer",
        fault: "kill-pod",
        atMs: at(3),
        target: { pods: [{ namespace: "default", name: "web-1" }] },
        outcome: "injected",
        healedAtMs: at(3),
      },
    ],
    pods: [pod(-1, { event: "ADDED" }), pod(3, { terminating: true }), pod(3.5, { event: "DELETED" })],
    services: [
      {
        atMs: at(-1),
        event: "ADDED",
        service: "default/web",
        selector: { app: "web" },
        clusterIP: "10.96.0.9",
      },
    ],
    endpointSlices: [slice(-1, "10", true), slice(3.2, "20", false)],
    timeline: [
      {
        revision: 13,
        service: "default/web",
        object: "EndpointSlice default/web-abc",
        type: "set",
        resourceVersion: "20",
        receivedMs: at(3.25),
        nowReady: [],
        noLongerReady: ["default/web-1"],
        programmed: [
          { atMs: at(6), nodes: ["node-2"], nodeCount: 1 },
          { atMs: at(3.3), nodeCount: 1 },
        ],
      },
    ],
    tables: [
      { node: "node-1", revision: 13 },
      { node: "node-2", revision: 13 },
    ],
    probes: [
      { probe: "front", phase: "before", atMs: at(-0.5), tookMs: 3, held: true, value: 200 },
      { probe: "front", phase: "during", atMs: at(4), tookMs: 3, held: false, error: "status 503" },
      { probe: "front", phase: "after", atMs: at(8), tookMs: 3, held: true, value: 200 },
    ],
    recovery: {
      lastHealedAtMs: at(6),
      tookMs: 40,
      deploymentsAvailable: true,
      tablesAgree: true,
      heldFaults: [],
    },
    ...given,
  });
