import { deployments } from "../machinery/api/apps-v1.js";
import type { Rng } from "../machinery/api/rng.js";
import { checkers } from "./checkers.js";
import type { Verdict } from "./checker.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { Fault } from "./fault.js";
import { faults } from "./faults.js";
import type { FaultRecord, History } from "./history.js";
import type { FaultSpec, Scenario } from "./scenario.js";
import { ClusterWatcher } from "./watcher.js";
import type { RunningWorkload } from "./workload.js";
import { workloads } from "./workloads.js";

export interface RunReport {
  held: boolean;
  verdicts: { invariant: string; verdict: Verdict }[];
  history: History;
}

export interface RunOptions {
  scenario: Scenario;
  cluster: ClusterAccess;
  /** Root of the run's chance: the scenario's seed. */
  rng: Rng;
  signal: AbortSignal;
  onEvent?: (line: string) => void;
}

/** A run could not be judged: no verdict, exit code 2. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

const STEADY_TIMEOUT_MS = 60_000;
const STEADY_POLL_MS = 100;
/** After the last fault and request: what is under way still arrives in logs and watches. */
const SETTLE_MS = 1000;

/** Applies, waits for the steady state, sends traffic, breaks things, heals, waits, and lets the checkers judge. */
export async function runScenario(options: RunOptions): Promise<RunReport> {
  const { scenario, cluster, signal, rng } = options;
  const tell = options.onEvent ?? (() => {});
  await cluster.apply(scenario.manifests, signal);
  await waitForSteadyState(cluster, signal);
  tell("steady state reached: every Deployment is available");

  const watching = new AbortController();
  const watcher = new ClusterWatcher(cluster);
  const { done } = await watcher.start(watching.signal);
  const running: RunningWorkload[] = [];
  try {
    for (const spec of scenario.traffic) {
      const context = {
        cluster,
        rng: rng.fork(`traffic/${spec.name}`),
        durationMs: scenario.durationMs,
        signal,
      };
      running.push(await workloads[spec.from].prepare(context, spec));
    }
    const startedAtMs = cluster.clock.nowMs();
    const [operations, faultRecords] = await Promise.all([
      Promise.all(running.map((workload) => workload.run())),
      Promise.all(scenario.faults.map((spec) => runFault(options, spec, tell))),
    ]);
    await waitForSteadyState(cluster, signal);
    await cluster.clock.sleep(SETTLE_MS, signal);
    const endedAtMs = cluster.clock.nowMs();
    const history: History = {
      scenario: scenario.name,
      seed: scenario.seed,
      startedAtMs,
      endedAtMs,
      operations: operations.flat().sort((a, b) => a.atMs - b.atMs),
      faults: faultRecords.flat().sort((a, b) => a.atMs - b.atMs),
      flows: await cluster.flows(startedAtMs, endedAtMs),
      pods: watcher.pods,
      services: watcher.services,
    };
    return judge(scenario, history);
  } finally {
    await Promise.all(running.map((workload) => workload.dispose()));
    watching.abort();
    await done;
  }
}

/** The verdicts of a scenario's invariants on a history. */
export function judge(scenario: Scenario, history: History): RunReport {
  const verdicts = checkers
    .filter((checker) => scenario.invariants.includes(checker.name))
    .map((checker) => ({ invariant: checker.name, verdict: checker.check(history, scenario) }));
  return { held: verdicts.every(({ verdict }) => verdict.held), verdicts, history };
}

async function waitForSteadyState(cluster: ClusterAccess, signal: AbortSignal): Promise<void> {
  const untilMs = cluster.clock.monotonicMs() + STEADY_TIMEOUT_MS;
  for (;;) {
    const { items } = await cluster.client.list(deployments);
    const waiting = items.filter(
      ({ metadata, spec, status }) =>
        (status.observedGeneration ?? 0) < (metadata.generation ?? 0) ||
        (status.availableReplicas ?? 0) !== spec.replicas ||
        (status.replicas ?? 0) !== spec.replicas,
    );
    if (waiting.length === 0) return;
    if (cluster.clock.monotonicMs() > untilMs) {
      throw new CannotRun(
        `no steady state within ${STEADY_TIMEOUT_MS / 1000} s: ${waiting.map((d) => d.metadata.name).join(", ")} not available`,
      );
    }
    await cluster.clock.sleep(STEADY_POLL_MS, signal);
  }
}

/** Injects again and again within the fault's window. Each draw is forked, so removing a fault moves no other draw. */
async function runFault(
  options: RunOptions,
  spec: FaultSpec,
  tell: (line: string) => void,
): Promise<FaultRecord[]> {
  const { scenario, cluster, signal } = options;
  const fault = faults.find(({ name }) => name === spec.fault) as Fault;
  const rng = options.rng.fork(`fault/${spec.name}`);
  const startedMs = cluster.clock.monotonicMs();
  const endMs = Math.min(spec.untilMs, scenario.durationMs);
  const records: FaultRecord[] = [];
  let dueMs = spec.afterMs;
  for (let i = 0; i < spec.times && !signal.aborted; i++) {
    const draw = rng.fork(String(i));
    dueMs += draw.fork("interval").int(spec.everyMs.min, spec.everyMs.max);
    if (dueMs > endMs) break;
    await cluster.clock.sleep(Math.max(0, startedMs + dueMs - cluster.clock.monotonicMs()), signal);
    const record = await injectOnce(fault, spec, { ...options, rng: draw.fork("target") });
    records.push(record);
    tell(
      `${((cluster.clock.monotonicMs() - startedMs) / 1000).toFixed(2)}s ${spec.name}: ${describeTarget(record)}`,
    );
  }
  return records;
}

async function injectOnce(
  fault: Fault,
  spec: FaultSpec,
  { cluster, rng, signal }: RunOptions,
): Promise<FaultRecord> {
  const context = { client: cluster.client, clock: cluster.clock, rng, signal };
  const record: FaultRecord = {
    name: spec.name,
    fault: fault.name,
    atMs: cluster.clock.nowMs(),
    target: null,
    outcome: "nothing-to-hit",
  };
  try {
    const target = await fault.choose(context, spec);
    if (target === undefined) return record;
    await fault.inject(context, target, spec);
    await fault.heal(context, target);
    return { ...record, target, outcome: "injected" };
  } catch (err) {
    return { ...record, outcome: "failed", error: err instanceof Error ? err.message : String(err) };
  }
}

const describeTarget = (record: FaultRecord): string =>
  record.outcome === "injected" ? JSON.stringify(record.target) : `${record.outcome} ${record.error ?? ""}`;
