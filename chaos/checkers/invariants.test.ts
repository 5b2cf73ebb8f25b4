import { expect, test } from "@jest/globals";
import type { ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import type { Verdict } from "../checker.js";
import { checkers } from "../checkers.js";
import type { Evidence, LookupRecord, ResumedWatch, WriteRecord } from "../evidence.js";
import { type FlowRecord, type History, newHistory, type WatchEventRecord } from "../history.js";
import { withDefaults } from "../parameters.js";
import { newScenario } from "../scenario/defaults.js";

const judged = (name: string, change: Partial<History>): Verdict => {
  const checker = checkers.find((one) => one.name === name);
  if (!checker) throw new RangeError(`no invariant ${name}`);
  const history = newHistory({ scenario: "x", seed: "1", startedAtMs: 0, endedAtMs: 20_000, ...change });
  return checker.check(history, newScenario({ name: "x" }), withDefaults(checker.parameters ?? {}, {}));
};

const event = (
  type: WatchEventRecord["type"],
  version: number,
  key = "default/a",
  more: Partial<WatchEventRecord> = {},
): WatchEventRecord => ({
  atMs: version,
  resource: "pods",
  stream: 0,
  type,
  key,
  uid: `uid-${key}`,
  resourceVersion: String(version),
  ...more,
});
const watched = (...watchEvents: WatchEventRecord[]) => judged("watches-complete", { watchEvents });

test("a watch goes on after a bookmark, never before it, and an object exists before it changes", () => {
  expect(
    watched(event("LISTED", 5), event("MODIFIED", 7), event("BOOKMARK", 9, ""), event("DELETED", 10)).held,
  ).toBe(true);
  expect(watched(event("LISTED", 5), event("BOOKMARK", 9, ""), event("MODIFIED", 8)).violations).toEqual([
    "0.008s pods: MODIFIED default/a at 8 came after 9",
  ]);
  expect(watched(event("MODIFIED", 7)).violations[0]).toContain("which did not exist");
  expect(watched(event("LISTED", 5), event("ADDED", 7)).violations[0]).toContain("which exists since 5");
  expect(
    watched(event("LISTED", 5), event("MODIFIED", 7, "default/a", { uid: "other" })).violations[0],
  ).toContain("is another object");
  expect(watched(event("LISTED", 5), event("MODIFIED", 7), event("MODIFIED", 7)).violations[0]).toContain(
    "came twice",
  );
});

test("a watch that lists anew may have missed events, not the state", () => {
  const account: ResumedWatch = {
    resource: "pods",
    fromVersion: "5",
    untilVersion: "12",
    events: [
      { type: "MODIFIED", key: "default/a", resourceVersion: "7" },
      { type: "ADDED", key: "default/b", resourceVersion: "9" },
    ],
    listed: { "default/a": "7", "default/b": "9" },
    differences: [],
  };
  const told = (...watchEvents: WatchEventRecord[]) =>
    judged("watches-complete", { watchEvents, evidence: { resumed: [account] } });
  const relisted = { stream: 1 };

  expect(told(event("LISTED", 5), event("MODIFIED", 7), event("ADDED", 9, "default/b")).held).toBe(true);
  expect(told(event("LISTED", 5), event("ADDED", 9, "default/b")).violations[0]).toBe(
    "pods: ADDED default/b at 9 came where MODIFIED default/a at 7 should have",
  );
  expect(
    told(
      event("LISTED", 5),
      event("LISTED", 7, "default/a", relisted),
      event("LISTED", 9, "default/b", relisted),
    ).held,
  ).toBe(true);
  expect(told(event("LISTED", 5), event("LISTED", 7, "default/a", relisted)).violations[0]).toContain(
    "by its events default/b is away at 12, in the list it is 9",
  );
});

const write = (change: Partial<WriteRecord>): WriteRecord => ({
  atMs: 0,
  verb: "update",
  key: "a",
  value: "new",
  outcome: "ok",
  ...change,
});
const written = (...writes: WriteRecord[]) =>
  judged("no-write-lost", { evidence: { writes: [write({ verb: "create", value: "old" }), ...writes] } });

test("a write without an answer may have happened or not; one that was refused may not", () => {
  expect(written(write({ outcome: "unknown", finally: "old" })).held).toBe(true);
  expect(written(write({ outcome: "unknown", finally: "new" })).held).toBe(true);
  expect(written(write({ outcome: "unknown", finally: null })).held).toBe(false);
  expect(written(write({ outcome: "failed", finally: "old" })).held).toBe(true);
  expect(written(write({ outcome: "failed", finally: "new" })).held).toBe(false);
  expect(written(write({ readBack: "old" })).violations[0]).toBe(
    '0.000s update of a to "new" was acknowledged; read back it said "old"',
  );
  expect(written(write({ resourceVersion: "9" }), write({ resourceVersion: "8" })).violations[0]).toContain(
    "acknowledged at 8, after 9",
  );
});

const backend = (ip: string, state: { ready?: boolean; terminating?: boolean } = {}) => ({
  ip,
  port: 80,
  ready: true,
  serving: true,
  terminating: false,
  weight: 1,
  slice: "default/web-x",
  sliceResourceVersion: "1",
  ...state,
});
const route = (...backends: ReturnType<typeof backend>[]): ServicePortRoute => ({
  servicePort: "default/web",
  serviceResourceVersion: "1",
  protocol: "TCP",
  clusterIPs: ["10.96.0.1"],
  port: 80,
  externalIPs: [],
  loadBalancerIPs: [],
  internalTrafficPolicy: "Cluster",
  externalTrafficPolicy: "Cluster",
  backends,
});

test("a flow may go to an endpoint that ends only while no other is ready", () => {
  const flow: FlowRecord = {
    atMs: 5,
    id: 1,
    start: "s",
    node: "node-1",
    tableRevision: 3,
    source: "10.244.0.9:1",
    destination: "10.96.0.1:80",
    servicePort: "default/web",
    backend: "10.244.0.2:80",
    outcome: "open",
  };
  const through = (...backends: ReturnType<typeof backend>[]) => {
    const tables = [{ nodes: ["node-1"], revision: 3, routes: [route(...backends)] }];
    const evidence: Evidence = { dataPlanes: [{ start: "s", firstFlow: 1, tables, changes: [] }] };
    return judged("only-table-backends", { flows: [flow], evidence });
  };
  const ends = backend("10.244.0.2", { ready: false, terminating: true });

  expect(through(ends).held).toBe(true);
  expect(through(ends, backend("10.244.0.3")).violations[0]).toContain("it was not ready, and others were");
  expect(through(backend("10.244.0.3")).violations[0]).toContain("the table held 10.244.0.3:80");
  expect(through(backend("10.244.0.2")).summary).toBe(
    "all 1 flows went to endpoints of the tables that decided them",
  );
});

test("an answer of DNS may be as old as its time to live, and no older", () => {
  const services = [
    { atMs: 0, event: "ADDED" as const, service: "default/web", uid: "1", clusterIP: "10.96.0.1" },
    { atMs: 9000, event: "DELETED" as const, service: "default/web", uid: "1", clusterIP: "10.96.0.1" },
    { atMs: 9100, event: "ADDED" as const, service: "default/web", uid: "2", clusterIP: "10.96.0.2" },
  ];
  const asked = (atMs: number, address: string): Verdict => {
    const lookup: LookupRecord = {
      atMs,
      tookMs: 1,
      server: "10.244.0.4",
      name: "web.default.svc.cluster.local",
      service: "default/web",
      outcome: "answered",
      addresses: [address],
      ttlSeconds: 5,
    };
    return judged("dns-agrees", { services, evidence: { lookups: [lookup] } });
  };

  expect(asked(5000, "10.96.0.1").held).toBe(true);
  expect(asked(5000, "10.96.0.2").held).toBe(false);
  expect(asked(14_500, "10.96.0.1").held).toBe(true);
  expect(asked(15_500, "10.96.0.1").violations[0]).toBe(
    "15.500s 10.244.0.4 said that web.default.svc.cluster.local is 10.96.0.1; in the 6000 ms before it was 10.96.0.2",
  );
});

test("another Service of the same name may have another ClusterIP, the same one may not", () => {
  const service = (uid: string, clusterIP: string, event: "ADDED" | "MODIFIED" | "DELETED" = "MODIFIED") => ({
    atMs: 0,
    event,
    service: `default/${uid}`,
    uid,
    clusterIP,
  });
  const stable = (...services: ReturnType<typeof service>[]) => judged("cluster-ip-stable", { services });

  expect(
    stable(service("a", "10.96.0.1"), service("a", "10.96.0.1", "DELETED"), service("b", "10.96.0.1")).held,
  ).toBe(true);
  expect(stable(service("a", "10.96.0.1"), service("a", "10.96.0.2")).held).toBe(false);
  expect(stable(service("a", "10.96.0.1"), service("b", "10.96.0.1")).violations[0]).toContain(
    "which is default/a's",
  );
});
