import { setMaxListeners } from "node:events";
import type { Rng } from "../machinery/api/rng.js";
import { CannotRun, ClusterLost, NotHealed } from "./cannot-run.js";
import type { ClusterAccess } from "./cluster-access.js";
import type { Fault } from "./fault.js";
import { faults } from "./faults.js";
import { FlowCollector } from "./flow-collector.js";
import { type FaultRecord, type History, newHistory, type Operation } from "./history.js";
import { judge, type RunReport, witnessesFor } from "./judge.js";
import { ProbeRunner } from "./probes.js";
import { inspected, proveRecovery, readTables } from "./recovery.js";
import type { Scenario } from "./scenario/types.js";
import { differences } from "./shape.js";
import { waitForNodes, waitForSteadyState } from "./steady-state.js";
import { StepRunner, tellLeft } from "./steps.js";
import { ClusterWatcher } from "./watcher.js";
import type { RunningWorkload } from "./workload.js";
import { Witnesses } from "./witness.js";
import { workloads } from "./workloads.js";

export interface RunOptions {
  scenario: Scenario;
  cluster: ClusterAccess;
  /** Root of the run's chance: the scenario's seed. */
  rng: Rng;
  signal: AbortSignal;
  /** Default: every fault there is. */
  faults?: readonly Fault[];
  onEvent?: (line: string) => void;
}

/** After the last fault and request: what is under way still arrives in logs and watches. */
const SETTLE_MS = 1000;
const MOST_TIMELINE_ENTRIES = 10_000;

/**
 * Applies, waits for the steady state, sends traffic, breaks things, heals, waits, and lets the checkers judge. Everything
 * goes through `cluster` and its clock. Rejects with CannotRun when there is nothing to judge: no steady state at the start, a
 * step that could not do what it says, a deadline, an interruption. Whatever was injected is healed by then.
 */
export async function runScenario(options: RunOptions): Promise<RunReport> {
  const { signal, end } = endOf(options);
  const made: Made = { operations: [], faults: [], history: () => undefined };
  try {
    return await run({ ...options, signal }, made);
  } catch (err) {
    const reason = withWhatIsLeft(reasonOf(err, options, signal), made.faults);
    if (reason instanceof CannotRun) reason.history = made.history() ?? nothingSeen(options);
    throw reason;
  } finally {
    end();
  }
}

/** What there is of a run, however it ends. */
interface Made {
  operations: Operation[];
  faults: readonly FaultRecord[];
  history: () => History | undefined;
}

/** Why a run could not be judged; a mistake of ours stays what it is. */
function reasonOf(err: unknown, { signal: asked }: RunOptions, signal: AbortSignal): unknown {
  const ended = signal.reason instanceof CannotRun ? signal.reason : undefined;
  if (err instanceof NotHealed) {
    const ending = asked.aborted ? "interrupted" : (ended?.ending ?? err.ending);
    const why = ended?.message ?? (asked.aborted ? "interrupted" : "stopped");
    return new NotHealed(`${why}; ${err.message}`, ending);
  }
  if (asked.aborted)
    return new CannotRun("interrupted: everything that was injected is healed", "interrupted");
  return ended ?? err;
}

/** Whoever ended the run, the reader must know what still acts: leases may have ended before anything else was noticed. */
function withWhatIsLeft(reason: unknown, faults: readonly FaultRecord[]): unknown {
  if (!(reason instanceof CannotRun) || reason instanceof NotHealed) return reason;
  const left = tellLeft(faults);
  return left === undefined ? reason : new NotHealed(`${reason.message}; ${left}`, reason.ending);
}

const nothingSeen = ({ scenario, cluster }: RunOptions): History => {
  const nowMs = cluster.clock.nowMs();
  return newHistory({
    scenario: scenario.name,
    seed: scenario.seed,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  });
};

async function run(options: RunOptions, made: Made): Promise<RunReport> {
  const { scenario, cluster, signal } = options;
  const tell = options.onEvent ?? (() => {});
  await reachSteadyState(options);
  const probes = new ProbeRunner(cluster, scenario.probes);
  await probes.before(signal);
  tell("steady state reached");
  const watching = new AbortController();
  const watcher = new ClusterWatcher(cluster);
  const { done } = await watcher.start(watching.signal);
  const running: RunningWorkload[] = [];
  const { controller: stop, unlink } = linked(signal);
  const flows = new FlowCollector(cluster, cluster.clock.nowMs());
  const gathering = flows.follow(scenario, watching.signal);
  const witnesses = new Witnesses();
  try {
    await witnesses.start(witnessesFor(scenario), { ...options, signal: watching.signal });
    await prepareTraffic(options, stop.signal, running);
    const startedAtMs = cluster.clock.nowMs();
    const seen = (): History => ({
      ...nothingSeen(options),
      startedAtMs,
      ...recordsOf(watcher),
      operations: made.operations,
      faults: [...made.faults],
      probes: probes.records,
    });
    made.history = seen;
    await breakThings(options, stop, running, probes, made);
    const recovery = await proveRecovery(cluster, scenario, made.faults, signal);
    await probes.after(signal);
    await cluster.clock.sleep(SETTLE_MS, signal);
    const endedAtMs = cluster.clock.nowMs();
    const logs = await collect(options, watcher, flows, endedAtMs);
    const evidence = await witnesses.testify();
    return judge(scenario, {
      ...seen(),
      endedAtMs,
      ...logs,
      ...(evidence ? { evidence } : {}),
      recovery,
    });
  } finally {
    unlink();
    await Promise.all(running.map((workload) => workload.dispose()));
    watching.abort();
    await Promise.all([done, gathering, witnesses.ended()]);
  }
}

async function reachSteadyState({ scenario, cluster, signal }: RunOptions): Promise<void> {
  const seconds = scenario.steadyState.timeoutMs / 1000;
  const unready = await waitForNodes(cluster, scenario.steadyState.timeoutMs, signal);
  if (unready !== undefined)
    throw new CannotRun(`the cluster did not get ready within ${seconds} s: ${unready}`);
  const different = await differences(cluster, scenario.cluster);
  if (different.length > 0)
    throw new CannotRun(`the cluster is not the one that the scenario is for: ${different.join("; ")}`);
  await cluster.apply(scenario.manifests, signal);
  const missing = await waitForSteadyState(cluster, scenario.steadyState, signal);
  if (missing) throw new CannotRun(`no steady state within ${seconds} s: ${missing.join("; ")}`);
}

async function prepareTraffic(
  { scenario, cluster, rng }: RunOptions,
  signal: AbortSignal,
  running: RunningWorkload[],
): Promise<void> {
  for (const spec of scenario.traffic) {
    const context = {
      cluster,
      rng: rng.fork(`traffic/${spec.name}`),
      durationMs: scenario.durationMs,
      signal,
    };
    running.push(await workloads[spec.from].prepare(context, spec));
  }
}

/** Traffic, steps and probes beside each other; the first that cannot go on ends them all. */
async function breakThings(
  { scenario, cluster, rng, onEvent, faults: known }: RunOptions,
  stop: AbortController,
  running: readonly RunningWorkload[],
  probes: ProbeRunner,
  made: Made,
): Promise<void> {
  const tell = onEvent ?? (() => {});
  const steps = new StepRunner({ scenario, cluster, faults: known ?? faults, rng, tell });
  made.faults = steps.records;
  const orStop = <T>(part: Promise<T>): Promise<T> =>
    part.catch((err: unknown) => {
      stop.abort(err);
      throw err;
    });
  const looking = linked(stop.signal);
  const probing = orStop(probes.during(() => steps.active, looking.controller.signal));
  const [traffic, ...others] = await Promise.allSettled([
    orStop(Promise.all(running.map((workload) => workload.run()))),
    orStop(steps.run(stop.signal)),
    orStop(cluster.clock.sleep(scenario.durationMs, stop.signal)),
  ]);
  looking.controller.abort();
  looking.unlink();
  const probed = await Promise.allSettled([probing]);
  if (traffic.status === "fulfilled") made.operations = traffic.value.flat().sort((a, b) => a.atMs - b.atMs);
  for (const ended of others)
    if (ended.status === "rejected" && ended.reason instanceof NotHealed) throw ended.reason;
  stop.signal.throwIfAborted();
  if (traffic.status === "rejected") throw traffic.reason;
  for (const ended of [...others, ...probed]) if (ended.status === "rejected") throw ended.reason;
}

/** A controller that also aborts as soon as the signal does. */
function linked(signal: AbortSignal): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const passOn = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", passOn, { once: true });
  if (signal.aborted) passOn();
  return { controller, unlink: () => signal.removeEventListener("abort", passOn) };
}

const recordsOf = ({ pods, services, endpointSlices, nodes, watchEvents }: ClusterWatcher) => ({
  pods,
  services,
  endpointSlices,
  nodes,
  watchEvents,
});

/** What logs and tables have at the end. */
async function collect(
  { cluster }: RunOptions,
  watcher: ClusterWatcher,
  collector: FlowCollector,
  endedAtMs: number,
): Promise<Pick<History, "flows" | "timeline" | "tables" | "dropped">> {
  const { flows, dropped: flowsDropped } = await collector.take(endedAtMs);
  const dropped = { ...watcher.dropped, ...(flowsDropped > 0 ? { flows: flowsDropped } : {}) };
  const timeline = await inspected(cluster, "proxy", `/timeline?limit=${MOST_TIMELINE_ENTRIES}`);
  return {
    flows,
    timeline: (timeline ?? []) as History["timeline"],
    tables: await readTables(cluster),
    ...(Object.keys(dropped).length > 0 ? { dropped } : {}),
  };
}

/** The caller's signal, the scenario's deadline, and the cluster itself. */
function endOf({ scenario, cluster, signal }: RunOptions): { signal: AbortSignal; end: () => void } {
  const { controller, unlink } = linked(signal);
  const timer = cluster.clock.setTimer(scenario.deadlineMs, () =>
    controller.abort(
      new CannotRun(`the run did not end within its deadline of ${scenario.deadlineMs / 1000} s`, "aborted"),
    ),
  );
  const looking = new AbortController();
  cluster.onLost?.((why) => controller.abort(new ClusterLost(why)), looking.signal);
  return {
    signal: controller.signal,
    end: () => {
      timer.cancel();
      looking.abort();
      unlink();
    },
  };
}
