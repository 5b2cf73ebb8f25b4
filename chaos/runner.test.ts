import { expect, test } from "@jest/globals";
import { TransportError } from "../machinery/api/http.js";
import { type Fault, defineFault } from "./fault.js";
import { newFaultSpec, newTarget, newTraffic, newTrigger } from "./scenario/defaults.js";
import type { Condition, FaultSpec, ProbeSpec, TargetSpec } from "./scenario/types.js";
import { type FakeCluster, fakeCluster, runOnFake } from "./testing/fake-cluster.js";
import { aDeployment, aNode, aPod, aService } from "./testing/objects.js";
import { choosePods } from "./targets.js";

/** A fault on pods that notes when it acts, in milliseconds of the run. */
function aFault(more: Partial<Fault> = {}) {
  const log: string[] = [];
  let startedMs = 0;
  const at = (clock: { monotonicMs(): number }): number => Math.round(clock.monotonicMs() - startedMs);
  const fault = defineFault<{ pods: string[] }>({
    name: "hurt",
    summary: "",
    layer: "pod",
    targets: "pods",
    parameters: {},
    async choose(context, { target }) {
      const found = (await choosePods(context, target)).map(({ metadata }) => metadata.name);
      return found.length > 0 ? { pods: found } : undefined;
    },
    inject: async ({ clock }, { pods }) => void log.push(`${at(clock)} inject ${pods.join()}`),
    heal: async ({ clock }, { pods }) => void log.push(`${at(clock)} heal ${pods.join()}`),
    ...(more as object),
  });
  return { fault, log, start: (cluster: FakeCluster) => (startedMs = cluster.clock.monotonicMs()) };
}

const pods = ["a", "b", "c", "d"].map((name) => aPod(name));
const world = [aNode("node-1"), aDeployment("web"), aService("web"), ...pods];
const web: Partial<TargetSpec> = { selector: "app=web" };
const step = (given: Partial<FaultSpec>): FaultSpec =>
  newFaultSpec({
    fault: "hurt",
    target: newTarget(web),
    ...given,
    trigger: newTrigger({ untilMs: 10_000, ...given.trigger }),
  });
const at = (ms: number) => ({ ...newTrigger({ untilMs: 10_000 }), startMs: { min: ms, max: ms } });
const seconds = (from: number, to = from) => ({ min: from * 1000, max: to * 1000 });

test("a fault is injected at its time, held for its duration, and its healing is in the history", async () => {
  const { fault, log } = aFault();
  const cluster = fakeCluster([fault], world);

  const { held, history } = await runOnFake({
    cluster,
    faults: [fault],
    scenario: { faults: [step({ trigger: at(2000), durationMs: seconds(3) })] },
  });

  expect(held).toBe(true);
  expect(log.map((line) => line.split(" ")[1])).toEqual(["inject", "heal"]);
  const [record] = history.faults;
  expect(record).toMatchObject({ outcome: "injected", name: "hurt" });
  expect(Math.round((record?.atMs ?? 0) - history.startedAtMs)).toBe(2000);
  expect(Math.round((record?.healedAtMs ?? 0) - history.startedAtMs)).toBe(5000);
  expect(history.recovery).toMatchObject({ deploymentsAvailable: true, tablesAgree: true, heldFaults: [] });
  expect(cluster.journal.entries()).toEqual([]);
});

test("a fault without a duration is held to the end of its window, and none outlives the run", async () => {
  const { fault } = aFault();
  const endOf = async (given: Partial<FaultSpec>): Promise<number> => {
    const { history } = await runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { faults: [step(given)] },
    });
    return Math.round((history.faults[0]?.healedAtMs ?? 0) - history.startedAtMs);
  };

  expect(await endOf({ trigger: { ...at(1000), untilMs: 4000 } })).toBe(4000);
  expect(await endOf({ trigger: at(1000) })).toBe(10_000);
  expect(await endOf({ trigger: at(9000), durationMs: seconds(60) })).toBe(10_000);
});

test("a repeated step comes one interval after its start, at most so often, and not after its window", async () => {
  const { fault, log } = aFault({ momentary: true });
  const timesOf = async (given: Partial<FaultSpec["trigger"]>): Promise<number[]> => {
    log.length = 0;
    const { history } = await runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { faults: [step({ trigger: { ...at(1000), ...given } })] },
    });
    return history.faults.map(({ atMs }) => Math.round(atMs - history.startedAtMs));
  };
  const every = (times: number) => ({ everyMs: seconds(2), jitterMs: 0, times });

  expect(await timesOf({ repeat: every(100) })).toEqual([3000, 5000, 7000, 9000]);
  expect(await timesOf({ repeat: every(2) })).toEqual([3000, 5000]);
  expect(await timesOf({ repeat: every(100), untilMs: 6000 })).toEqual([3000, 5000]);
  expect(await timesOf({ repeat: every(100), probability: 0 })).toEqual([]);
});

test("a step waits for the healing of another", async () => {
  const { fault } = aFault();
  const { history } = await runOnFake({
    cluster: fakeCluster([fault], world),
    faults: [fault],
    scenario: {
      faults: [
        step({ name: "first", trigger: at(1000), durationMs: seconds(2), target: newTarget({ name: "a" }) }),
        step({
          name: "second",
          trigger: { ...at(500), after: { step: "first", event: "healed" } },
          durationMs: seconds(1),
          target: newTarget({ name: "b" }),
        }),
        step({
          name: "third",
          trigger: { ...at(0), after: { step: "first", event: "injected" } },
          durationMs: seconds(1),
          target: newTarget({ name: "c" }),
        }),
      ],
    },
  });

  expect(history.faults.map(({ name, atMs }) => [name, Math.round(atMs - history.startedAtMs)])).toEqual([
    ["first", 1000],
    ["third", 1000],
    ["second", 3500],
  ]);
});

const available = (count: number): Condition => ({
  text: `deployment/web available == ${count}`,
  resource: "deployment",
  namespace: "default",
  name: "web",
  check: { kind: "field", path: "available", comparison: { comparator: "==", value: count } },
});

test("a step waits for a condition on the cluster", async () => {
  const { fault } = aFault();
  const cluster = fakeCluster([fault], world);
  cluster.clock.setTimer(3000, () => cluster.put(aDeployment("web", { available: 2 })));
  cluster.clock.setTimer(6000, () => cluster.put(aDeployment("web")));

  const { history } = await runOnFake({
    cluster,
    faults: [fault],
    scenario: {
      faults: [
        step({
          trigger: { ...at(0), when: { condition: available(2), timeoutMs: 9000 } },
          durationMs: seconds(1),
        }),
      ],
    },
  });

  expect(Math.round((history.faults[0]?.atMs ?? 0) - history.startedAtMs)).toBe(3000);
});

test("a condition that never holds is no silence: the run could not be made", async () => {
  const { fault } = aFault();
  const scenario = {
    faults: [step({ trigger: { ...at(0), when: { condition: available(2), timeoutMs: 2000 } } })],
  };

  await expect(
    runOnFake({ cluster: fakeCluster([fault], world), faults: [fault], scenario }),
  ).rejects.toThrow('step "hurt": the condition "deployment/web available == 2" did not hold in time');
});

test("a target that matches nothing could not be run, unless it is optional", async () => {
  const { fault, log } = aFault();
  const run = (optional: boolean) =>
    runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { faults: [step({ target: newTarget({ selector: "app=wep", optional }) })] },
    });

  await expect(run(false)).rejects.toThrow(
    'step "hurt": nothing matches the target of hurt: selector app=wep in namespace default',
  );
  expect((await run(true)).history.faults).toMatchObject([{ outcome: "nothing-to-hit" }]);
  expect(log).toEqual([]);
});

test("two faults on one target could not be run, and what was held is healed", async () => {
  const { fault, log } = aFault();
  const cluster = fakeCluster([fault], world);
  const one = newTarget({ name: "a" });
  const scenario = {
    faults: [step({ name: "x", target: one }), step({ name: "y", trigger: at(1000), target: one })],
  };

  await expect(runOnFake({ cluster, faults: [fault], scenario })).rejects.toThrow(
    /step "y": .* is held by fault "hurt"/,
  );

  expect(log.map((line) => line.split(" ")[1])).toEqual(["inject", "heal"]);
  expect(cluster.journal.entries()).toEqual([]);
});

test("a random target that is held already is drawn again", async () => {
  const { fault } = aFault();
  const trigger = { ...at(0), repeat: { everyMs: seconds(2), jitterMs: 0, times: 4 } };

  const { history } = await runOnFake({
    cluster: fakeCluster([fault], world),
    faults: [fault],
    scenario: { faults: [step({ trigger })] },
  });

  expect(history.faults.map(({ outcome }) => outcome)).toEqual([
    "injected",
    "injected",
    "injected",
    "injected",
  ]);
  expect(new Set(history.faults.map(({ target }) => JSON.stringify(target))).size).toBe(4);
});

test("a fault on a component that is not there could not be run", async () => {
  const { fault } = aFault({ inject: () => Promise.reject(new RangeError("proxy is not running")) });
  const run = (optional: boolean) =>
    runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { faults: [step({ target: newTarget({ ...web, optional }) })] },
    });

  await expect(run(false)).rejects.toThrow('step "hurt": proxy is not running');
  expect((await run(true)).history.faults).toMatchObject([
    { outcome: "failed", error: "proxy is not running" },
  ]);
});

test("a fault that cannot be made because the cluster is broken is an outcome, not the end of the run", async () => {
  const { fault } = aFault({
    momentary: true,
    inject: () => Promise.reject(new TransportError("connection refused")),
  });

  const { history } = await runOnFake({
    cluster: fakeCluster([fault], world),
    faults: [fault],
    scenario: { faults: [step({})] },
  });

  expect(history.faults).toMatchObject([{ outcome: "failed", error: "connection refused" }]);
});

test("an interruption heals everything and says so", async () => {
  const { fault, log } = aFault();
  const cluster = fakeCluster([fault], world);
  const interrupt = new AbortController();
  cluster.clock.setTimer(4000, () => interrupt.abort());

  await expect(
    runOnFake({ cluster, faults: [fault], signal: interrupt.signal, scenario: { faults: [step({})] } }),
  ).rejects.toThrow("interrupted: everything that was injected is healed");

  expect(log.map((line) => line.split(" ")[1])).toEqual(["inject", "heal"]);
  expect(cluster.journal.entries()).toEqual([]);
});

test("an interruption that could not heal everything does not say that it did", async () => {
  const { fault } = aFault({ heal: () => Promise.reject(new Error("no way")) });
  const cluster = fakeCluster([fault], world);
  const interrupt = new AbortController();
  cluster.clock.setTimer(4000, () => interrupt.abort());

  await expect(
    runOnFake({ cluster, faults: [fault], signal: interrupt.signal, scenario: { faults: [step({})] } }),
  ).rejects.toThrow(/^interrupted; not healed: test\..*\.hurt\.0 \(no way\)$/);
});

test("a run ends at once when its cluster goes away, and keeps what was seen until then", async () => {
  const { fault } = aFault();
  const cluster = fakeCluster([fault], world);
  cluster.onLost = (tell) => void cluster.clock.setTimer(4000, () => tell("the cluster is going down"));
  const startedMs = cluster.clock.nowMs();

  const ended: unknown = await runOnFake({
    cluster,
    faults: [fault],
    scenario: { faults: [step({})] },
  }).catch((err: unknown) => err);

  expect(ended).toMatchObject({
    message: "the cluster is going down",
    ending: "aborted",
    history: { faults: [{ outcome: "injected", healedAtMs: startedMs + 4000 }] },
  });
  expect(cluster.clock.nowMs() - startedMs).toBeLessThan(5000);
});

test("a run that does not end within its deadline could not be judged", async () => {
  const { fault, log } = aFault();

  await expect(
    runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { deadlineMs: 3000, faults: [step({})] },
    }),
  ).rejects.toThrow("the run did not end within its deadline of 3 s");
  expect(log).toHaveLength(2);
});

test("a steady state that does not hold at the start says which part, and a cluster that never gets ready says why", async () => {
  const steadyState = { deployments: true, conditions: [available(3)], timeoutMs: 2000 };
  const run = (objects: Parameters<typeof fakeCluster>[1]) =>
    runOnFake({ cluster: fakeCluster([], objects), faults: [], scenario: { steadyState } });

  await expect(run([aNode("node-1"), aDeployment("web", { available: 1 })])).rejects.toThrow(
    "no steady state within 2 s: deployment default/web has 1 of 3 available; deployment/web available == 3 (available is 1)",
  );
  await expect(run([aNode("node-1", { ready: false })])).rejects.toThrow(
    "the cluster did not get ready within 2 s: nodes not ready: node-1",
  );
  await expect(run([])).rejects.toThrow("it has no nodes");
});

test("a live cluster of another shape is refused", async () => {
  const cluster = fakeCluster([], world);
  cluster.inspected["proxy /nodes"] = [{ mode: "iptables" }];

  await expect(
    runOnFake({
      cluster,
      faults: [],
      scenario: { cluster: { nodes: 3, proxyMode: "ipvs", podCIDR: "10.1.0.0/16" } },
    }),
  ).rejects.toThrow(
    "the cluster is not the one that the scenario is for: nodes: wants 3, has 1; proxyMode: wants ipvs, has iptables; podCIDR: wants 10.1.0.0/16, node-1 has 10.244.0.0/24",
  );
  expect(cluster.applied).toEqual([]);
});

test("removing one step moves no draw of another", async () => {
  const { fault } = aFault({ momentary: true });
  const trigger = { ...at(0), repeat: { everyMs: seconds(1, 2), jitterMs: 300, times: 100 } };
  const drawn = async (faults: FaultSpec[]) => {
    const { history } = await runOnFake({
      cluster: fakeCluster([fault], world),
      faults: [fault],
      scenario: { faults },
    });
    return history.faults
      .filter(({ name }) => name === "kept")
      .map(({ atMs, target }) => [atMs - history.startedAtMs, target]);
  };
  const kept = step({ name: "kept", trigger });

  const alone = await drawn([kept]);

  expect(alone.length).toBeGreaterThan(4);
  expect(await drawn([step({ name: "other", trigger }), kept])).toEqual(alone);
});

const probe = (given: Partial<ProbeSpec>): ProbeSpec => ({
  name: "front",
  mode: "continuous",
  intervalMs: 1000,
  timeoutMs: 500,
  retries: 0,
  probe: { kind: "http", namespace: "default", service: "web", path: "/", method: "GET", status: [200] },
  ...given,
});

test("a probe before the faults that does not hold leaves nothing to judge", async () => {
  const cluster = fakeCluster([], world);
  cluster.answer = () => ({ outcome: "ok", status: 503 });

  await expect(
    runOnFake({ cluster, faults: [], scenario: { probes: [probe({ mode: "edge" })] } }),
  ).rejects.toThrow("the steady state does not hold: probe front: status 503");
});

test("a continuous probe is judged by every look, one of the faults' time only while they act", async () => {
  const { fault } = aFault();
  const cluster = fakeCluster([fault], world);
  const startMs = cluster.clock.monotonicMs();
  const isBroken = () =>
    cluster.clock.monotonicMs() - startMs >= 4000 && cluster.clock.monotonicMs() - startMs < 6000;
  cluster.answer = () =>
    isBroken() ? { outcome: "failed", error: "refused" } : { outcome: "ok", status: 200 };

  const { held, verdicts, history } = await runOnFake({
    cluster,
    faults: [fault],
    scenario: {
      faults: [step({ trigger: at(3500), durationMs: seconds(3) })],
      probes: [
        probe({}),
        probe({ name: "acting", mode: "during" }),
        probe({ name: "patient", retries: 0, mode: "after" }),
      ],
    },
  });

  expect(held).toBe(false);
  const of = (name: string) => verdicts.find(({ invariant }) => invariant === `probe ${name}`)?.verdict;
  expect(of("front")).toMatchObject({
    held: false,
    summary: "held 8 of 10 times",
    violations: ["4.00s (during): refused", "5.00s (during): refused"],
  });
  expect(history.probes.filter(({ probe: name }) => name === "acting").length).toBe(3);
  expect(of("patient")).toMatchObject({ held: true });
});

test("a probe that is not answered in time failed, and may be tried again", async () => {
  const cluster = fakeCluster([], world);
  let asked = 0;
  cluster.answer = () => (asked++ % 2 === 0 ? new Promise(() => {}) : { outcome: "ok", status: 200 });
  const run = (retries: number) =>
    runOnFake({ cluster, faults: [], scenario: { probes: [probe({ mode: "after", retries })] } });

  expect((await run(1)).held).toBe(true);
  expect((await run(0)).verdicts[0]?.verdict.violations[0]).toContain("no answer within 500 ms");
});

test("probes ask metrics and objects", async () => {
  const cluster = fakeCluster([], world);
  cluster.inspected["proxy /metrics"] = 'syncs_total{node="a"} 2\nsyncs_total{node="b"} 3\n';
  const metrics = (value: number): ProbeSpec =>
    probe({
      name: "syncs",
      mode: "after",
      probe: {
        kind: "metrics",
        component: "proxy",
        metric: "syncs_total",
        comparison: { comparator: ">=", value },
      },
    });
  const there = probe({
    name: "there",
    mode: "after",
    probe: { kind: "kubernetes", condition: available(3) },
  });

  const { verdicts } = await runOnFake({ cluster, faults: [], scenario: { probes: [metrics(6), there] } });

  expect(verdicts[0]?.verdict.violations).toEqual([expect.stringContaining("syncs_total is 5, not >= 6")]);
  expect(verdicts[1]?.verdict.held).toBe(true);
});

test("what a component still holds after the last fault violates the recovery", async () => {
  const { fault } = aFault();
  const cluster = fakeCluster([fault], world);
  cluster.inspected["proxy /faults"] = { held: [{ id: "left-over" }] };
  const steadyState = { deployments: true, conditions: [], timeoutMs: 2000 };

  const { held, verdicts } = await runOnFake({ cluster, faults: [fault], scenario: { steadyState } });

  expect(held).toBe(false);
  expect(verdicts.at(-1)).toMatchObject({
    invariant: "recovery",
    verdict: { violations: ["not proven free of faults: proxy: left-over"] },
  });
});

test("the history holds what a watch saw, with versions, and what the traffic met", async () => {
  const cluster = fakeCluster([], world);
  cluster.clock.setTimer(4000, () => cluster.put(aPod("e", { ip: "10.244.0.9" })));
  cluster.clock.setTimer(5000, () => cluster.remove("Pod", "default/e"));

  const { history } = await runOnFake({
    cluster,
    faults: [],
    scenario: { traffic: [newTraffic({ name: "out", from: "host", service: "web", perSecond: 2 })] },
  });

  expect(history.operations).toHaveLength(20);
  const ofE = history.pods.filter(({ pod }) => pod === "default/e");
  expect(ofE.map(({ event, ip }) => [event, ip])).toEqual([
    ["ADDED", "10.244.0.9"],
    ["DELETED", "10.244.0.9"],
  ]);
  const events = history.watchEvents.filter(({ key }) => key === "default/e");
  expect(events.map(({ type, resource }) => [type, resource])).toEqual([
    ["ADDED", "pods"],
    ["DELETED", "pods"],
  ]);
  expect(history.nodes).toMatchObject([{ node: "node-1", ready: true }]);
});

test("flows that the data plane forgets before the end are in the history all the same", async () => {
  const cluster = fakeCluster([], world);
  const startMs = cluster.clock.nowMs();
  const all = Array.from({ length: 100 }, (_, i) => ({
    atMs: startMs + i * 100,
    source: `10.244.0.2:${i + 1}`,
    destination: "10.96.0.5:80",
    outcome: "open",
  }));
  // It keeps the last two seconds only.
  cluster.flows = async (_, toMs) => all.filter(({ atMs }) => atMs <= toMs && atMs > toMs - 2000);

  const { history } = await runOnFake({
    cluster,
    faults: [],
    scenario: { traffic: [newTraffic({ name: "out", from: "host", service: "web", perSecond: 2000 })] },
  });

  expect(history.flows).toHaveLength(100);
});
