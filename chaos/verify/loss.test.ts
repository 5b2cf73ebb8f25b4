import { expect, test } from "@jest/globals";
import { newHistory, type History } from "../history.js";
import { newScenario, newTraffic } from "../scenario/defaults.js";
import { lossOf } from "./loss.js";
import { narrate } from "./narrate.js";

const START_MS = 1_000_000;
const at = (seconds: number): number => START_MS + seconds * 1000;
const scenario = newScenario({
  name: "t",
  traffic: [newTraffic({ name: "client", from: "pod", url: "http://10.96.0.40" })],
});
const operation = {
  client: "client",
  atMs: at(12.1),
  tookMs: 2,
  outcome: "failed" as const,
  error: "Connection refused",
  local: "10.244.0.9:4000",
};
const flow = {
  atMs: at(12.1),
  source: "10.244.0.9:4000",
  destination: "10.96.0.40:80",
  servicePort: "default/web:http",
  backend: "10.244.1.7:80",
  pod: "default/web-1",
  node: "node-2",
  tableRevision: 7,
  outcome: "refused",
  durationMs: 1,
};
const pod = {
  event: "ADDED" as const,
  pod: "default/web-1",
  uid: "u1",
  labels: { app: "web" },
  ip: "10.244.1.7",
  node: "node-3",
  ready: true,
  terminating: false,
};
const endpoint = (name: string, address: string, ready = true) => ({
  address,
  pod: `default/${name}`,
  ready,
  serving: true,
  terminating: !ready,
});
const slice = {
  event: "MODIFIED" as const,
  slice: "default/web-x",
  service: "default/web",
  resourceVersion: "10",
};

const history = (given: Partial<History>): History =>
  newHistory({
    scenario: "t",
    seed: "1",
    startedAtMs: START_MS,
    endedAtMs: at(20),
    operations: [operation],
    flows: [flow],
    pods: [{ ...pod, atMs: at(0) }],
    endpointSlices: [
      {
        ...slice,
        atMs: at(0),
        endpoints: [endpoint("web-1", "10.244.1.7"), endpoint("web-2", "10.244.1.8")],
      },
      {
        ...slice,
        atMs: at(12.06),
        resourceVersion: "11",
        endpoints: [endpoint("web-1", "10.244.1.7", false), endpoint("web-2", "10.244.1.8")],
      },
    ],
    tables: [{ node: "node-2", revision: 8 }],
    timeline: [
      {
        revision: 8,
        service: "default/web",
        object: "EndpointSlice default/web-x",
        type: "set",
        resourceVersion: "11",
        receivedMs: at(12.12),
        nowReady: [],
        noLongerReady: ["default/web-1"],
        programmed: [{ atMs: at(12.14), nodes: ["node-2"], nodeCount: 1 }],
      },
    ],
    evidence: { ports: [] },
    ...given,
  });

const ports = (...changes: [number, boolean][]) => ({
  ports: changes.map(([seconds, open]) => ({ atMs: at(seconds), ip: "10.244.1.7", port: 80, open })),
});

test("a request to a pod that closed its port before the proxy knew is told with both times", () => {
  const given = history({ evidence: ports([-5, true], [12.031, false]) });
  const loss = lossOf(operation, given, scenario);
  const { sentence, events } = narrate(loss, given, scenario);

  expect(loss.kind).toBe("closed-port");
  expect(sentence).toBe(
    "node-2's proxy learnt at 12.140 s that 10.244.1.7 was going; the pod had closed its port at 12.031 s",
  );
  expect(events.map(({ atSeconds, text }) => `${atSeconds} ${text}`)).toEqual([
    "12.031 web-1 on node-3 closes its port",
    "12.06 an EndpointSlice without it is written (default/web-x, resourceVersion 11)",
    "12.1 client sends the request that is lost to 10.244.1.7:80 by node-2's table, revision 7",
    "12.102 client: Connection refused",
    "12.12 the news reaches the first proxy",
    "12.14 node-2's proxy learns it and writes its table",
  ]);
});

test("a request to a pod that opened its port only later was sent too early", () => {
  const given = history({ evidence: ports([13.5, true]), timeline: [] });
  const loss = lossOf(operation, given, scenario);

  expect(loss.kind).toBe("not-listening");
  expect(narrate(loss, given, scenario).sentence).toContain("the pod listened only from 13.500 s on");
});

test("without any ready endpoint the pod that ends is not to blame", () => {
  const alone = [{ ...slice, atMs: at(9), endpoints: [endpoint("web-1", "10.244.1.7", false)] }];
  const given = history({ evidence: ports([-5, true], [12.031, false]), endpointSlices: alone });

  expect(lossOf(operation, given, scenario).kind).toBe("no-endpoints");
});

test("a connection that nobody was chosen for met a Service without endpoints", () => {
  const { backend: _b, pod: _p, ...rejected } = flow;

  expect(lossOf(operation, history({ flows: [rejected] }), scenario).kind).toBe("no-endpoints");
});

test("a request that was under way when the application ended was cut short, and killed if that was later", () => {
  const open = history({
    flows: [{ ...flow, outcome: "reset", durationMs: 200 }],
    evidence: ports([-5, true], [12.15, false]),
  });
  const soon = { ...operation, tookMs: 52, error: "read ECONNRESET" };
  const late = { ...operation, tookMs: 5000, error: "read ECONNRESET" };

  expect(lossOf(soon, open, scenario).kind).toBe("cut-short");
  expect(lossOf(late, open, scenario).kind).toBe("killed");
});

test("what a crashed node takes with it is told apart", () => {
  const given = history({
    flows: [{ ...flow, outcome: "timed-out" }],
    faults: [
      {
        id: "crash/1",
        name: "crash",
        fault: "node-crash",
        atMs: at(12),
        target: { hits: ["node-3"] },
        outcome: "injected",
      },
    ],
  });

  expect(lossOf(operation, given, scenario).kind).toBe("node-crash");
  const { durationMs: _, ...open } = { ...flow, outcome: "open", atMs: at(11.9) };
  const halfOpen = { ...given, flows: [open], evidence: ports([-5, true], [12, false]) };
  const waited = { ...operation, atMs: at(11.9), tookMs: 2000, error: "no answer within 2000 ms" };
  expect(lossOf(waited, halfOpen, scenario).kind).toBe("node-crash");
});

test("an answer with an unexpected status is a loss of its own, and one that nothing explains says so", () => {
  const answered = { ...operation, status: 503 };

  expect(lossOf(answered, history({}), scenario).kind).toBe("error-status");
  expect(lossOf(operation, history({ flows: [] }), scenario).kind).toBe("unexplained");
});
