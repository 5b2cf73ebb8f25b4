import { expect, test } from "@jest/globals";
import { convergencesOf } from "./convergence.js";
import { explainFailures } from "./explain-failures.js";
import { START_MS, stalledHistory, stalledScenario } from "./testing/stalled-run.js";

test("a change is followed from its pod over the EndpointSlice into the table of every node", () => {
  expect(convergencesOf(stalledHistory())).toEqual([
    {
      service: "default/web",
      slice: "default/web-abc",
      resourceVersion: "20",
      nowReady: [],
      noLongerReady: ["default/web-1"],
      podMs: START_MS + 3000,
      sliceMs: START_MS + 3200,
      receivedMs: START_MS + 3250,
      tables: { "node-1": START_MS + 3300, "node-2": START_MS + 6000 },
    },
  ]);
});

test("a refused request is explained by the table that still had the pod, and by the fault that kept it so", () => {
  const [story, ...others] = explainFailures(stalledHistory(), stalledScenario);

  expect(others).toEqual([]);
  expect(story).toMatchObject({
    requests: 2,
    client: "inside",
    pod: "default/web-1",
    node: "node-2",
    tableRevision: 12,
    goingMs: START_MS + 3000,
    sliceDroppedMs: START_MS + 3200,
    proxyHeardMs: START_MS + 3250,
    tableDroppedMs: START_MS + 6000,
    faults: ["stalled.1.stall.0", "stalled.1.killer.0"],
  });
  expect(story?.text).toBe(
    "inside at 4.00 s: 10.244.1.7:80 (default/web-1) refused the connection; that pod was going since 3.00 s; " +
      "its EndpointSlice dropped it at 3.20 s; node-2's table (revision 12) still had it until 6.00 s (its proxy heard at 3.25 s); " +
      "while stall: proxy-stall (1.00 s to 6.00 s) acted, after killer: kill-pod (3.00 s) (and 1 more requests like it)",
  );
});

test("a slice that never reached the proxy is told as one that it did not hear of", () => {
  const [story] = explainFailures(stalledHistory({ timeline: [] }), stalledScenario);

  expect(story?.text).toContain(
    "its EndpointSlice dropped it at 3.20 s; node-2's table (revision 12) still had it;",
  );
});

test("a port that was closed while the table still had it is told, and nothing before its cause", () => {
  const ports = [
    { atMs: START_MS, ip: "10.244.1.7", port: 80, open: true },
    { atMs: START_MS + 3100, ip: "10.244.1.7", port: 80, open: false },
  ];
  const history = stalledHistory({ evidence: { ports } });
  const seenLate = history.pods.map((record) => ({
    ...record,
    atMs: Math.max(record.atMs, START_MS + 3600),
  }));
  const pods = [...history.pods.slice(0, 1), ...seenLate.slice(1)];

  expect(explainFailures(history, stalledScenario)[0]?.text).toContain(
    "that pod was going since 3.00 s; it closed its port at 3.10 s; its EndpointSlice dropped it at 3.20 s",
  );
  // The runner's watch of pods was late; the slice without the pod proves that it was going.
  expect(explainFailures({ ...history, pods }, stalledScenario)[0]).toMatchObject({
    goingMs: START_MS + 3200,
  });
});

test("a slice that kept a pod that went is blamed itself", () => {
  const history = stalledHistory({ timeline: [] });
  const [story] = explainFailures(
    { ...history, endpointSlices: history.endpointSlices.slice(0, 1) },
    stalledScenario,
  );

  expect(story?.text).toContain("no EndpointSlice ever dropped it");
});

test("of ten thousand failures like each other one story is told, quickly", () => {
  const [, , , failed] = stalledHistory().operations;
  const operations = Array.from({ length: 10_000 }, () => ({ ...(failed ?? fail()) }));

  const stories = explainFailures(stalledHistory({ operations }), stalledScenario);

  expect(stories.map(({ requests }) => requests)).toEqual([10_000]);
});

function fail(): never {
  throw new Error("the run has a failed request");
}
