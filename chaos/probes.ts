import { pods } from "../machinery/api/core-v1.js";
import { CannotRun } from "./cannot-run.js";
import type { ClusterAccess } from "./cluster-access.js";
import { describeComparison, holds } from "./comparison.js";
import { evaluate } from "./condition.js";
import type { ProbeRecord } from "./history.js";
import { metricSum } from "./metric-sum.js";
import { nodePortOf } from "./node-port.js";
import { orAborted } from "./or-aborted.js";
import { runInPod } from "./pod-command.js";
import type { Comparison, ProbeAction, ProbeSpec } from "./scenario/types.js";

/** What one try saw. */
interface Seen {
  held: boolean;
  value: unknown;
  /** Why it did not hold. */
  error?: string;
}

const BODY_BYTES = 64 * 1024;
/** Of all probes together; the rest is not recorded. */
const MOST_RECORDS = 100_000;

/** Looks at a cluster before, during and after the faults. */
export class ProbeRunner {
  readonly records: ProbeRecord[] = [];
  readonly #cluster: ClusterAccess;
  readonly #probes: readonly ProbeSpec[];

  constructor(cluster: ClusterAccess, probes: readonly ProbeSpec[]) {
    this.#cluster = cluster;
    this.#probes = probes;
  }

  /** Rejects with CannotRun when one does not hold: there is no steady state to disturb. */
  async before(signal: AbortSignal): Promise<void> {
    const failed: string[] = [];
    for (const spec of this.#of("before", "edge")) {
      const record = await this.#look(spec, "before", signal);
      if (!record.held) failed.push(`probe ${spec.name}: ${record.error}`);
    }
    if (failed.length > 0) throw new CannotRun(`the steady state does not hold: ${failed.join("; ")}`);
  }

  async after(signal: AbortSignal): Promise<void> {
    for (const spec of this.#of("after", "edge")) await this.#look(spec, "after", signal);
  }

  /** Looks at intervals until the signal aborts. Never rejects with its reason. */
  async during(faultActs: () => boolean, signal: AbortSignal): Promise<void> {
    const loops = this.#of("during", "continuous").map((spec) => this.#loop(spec, faultActs, signal));
    await Promise.all(loops);
  }

  async #loop(spec: ProbeSpec, faultActs: () => boolean, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        if (spec.mode === "continuous" || faultActs()) await this.#look(spec, "during", signal);
        await this.#cluster.clock.sleep(spec.intervalMs, signal);
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  #of(...modes: ProbeSpec["mode"][]): ProbeSpec[] {
    return this.#probes.filter(({ mode }) => modes.includes(mode));
  }

  async #look(spec: ProbeSpec, phase: ProbeRecord["phase"], signal: AbortSignal): Promise<ProbeRecord> {
    const { clock } = this.#cluster;
    const atMs = clock.nowMs();
    const beganMs = clock.monotonicMs();
    let seen = await this.#try(spec, signal);
    for (let i = 0; i < spec.retries && !seen.held; i++) seen = await this.#try(spec, signal);
    const record = { probe: spec.name, phase, atMs, tookMs: clock.monotonicMs() - beganMs, ...seen };
    if (this.records.length < MOST_RECORDS) this.records.push(record);
    return record;
  }

  /** Whatever goes wrong on the way is what was seen; only the run's own end is passed on. */
  async #try({ probe, timeoutMs }: ProbeSpec, signal: AbortSignal): Promise<Seen> {
    const late = new AbortController();
    const passOn = (): void => late.abort(signal.reason);
    signal.addEventListener("abort", passOn, { once: true });
    const timer = this.#cluster.clock.setTimer(timeoutMs, () =>
      late.abort(new Error(`no answer within ${timeoutMs} ms`)),
    );
    try {
      return await orAborted(look(this.#cluster, probe, timeoutMs, late.signal), late.signal);
    } catch (err) {
      if (signal.aborted || err instanceof CannotRun) throw err;
      return { held: false, value: null, error: err instanceof Error ? err.message : String(err) };
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", passOn);
    }
  }
}

async function look(
  cluster: ClusterAccess,
  action: ProbeAction,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Seen> {
  switch (action.kind) {
    case "http":
      return lookHttp(cluster, action, timeoutMs);
    case "command":
      return lookCommand(cluster, action, signal);
    case "kubernetes": {
      const { held, saw } = await evaluate(cluster, action.condition);
      return { held, value: saw, ...(held ? {} : { error: `${action.condition.text}: ${saw}` }) };
    }
    case "metrics": {
      const text = await cluster.inspect(action.component, "/metrics");
      return compared(metricSum(String(text), action.metric), action.comparison, action.metric);
    }
  }
}

async function lookHttp(
  cluster: ClusterAccess,
  action: Extract<ProbeAction, { kind: "http" }>,
  timeoutMs: number,
): Promise<Seen> {
  const { method, path, status, body } = action;
  const answer = await cluster.requestFromHost({
    nodePort: await nodePortOf(cluster.client, action),
    method,
    path,
    headers: {},
    timeoutMs,
    keepAlive: false,
    bodyBytes: BODY_BYTES,
  });
  if (answer.outcome !== "ok")
    return { held: false, value: null, error: answer.error ?? "the request failed" };
  if (!status.includes(answer.status ?? 0))
    return { held: false, value: answer.status, error: `status ${answer.status}` };
  return body ? compared(answer.body ?? "", body, "the body") : { held: true, value: answer.status };
}

async function lookCommand(
  { client }: ClusterAccess,
  action: Extract<ProbeAction, { kind: "command" }>,
  signal: AbortSignal,
): Promise<Seen> {
  const { namespace, container, command, exitCode, output } = action;
  const pod = action.pod ?? (await readyPod(client, namespace, action.selector));
  if (pod === undefined) return { held: false, value: null, error: `no pod of ${action.selector} is ready` };
  const ran = await runInPod(
    client,
    { namespace, pod, command, ...(container === undefined ? {} : { container }) },
    signal,
  );
  if (ran.exitCode !== exitCode)
    return { held: false, value: ran.exitCode, error: `exit code ${ran.exitCode}` };
  return output ? compared(ran.output.trimEnd(), output, "the output") : { held: true, value: ran.exitCode };
}

async function readyPod(
  client: ClusterAccess["client"],
  namespace: string,
  selector: string | undefined,
): Promise<string | undefined> {
  const { items } = await client.list(pods, { namespace, labelSelector: selector });
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ status }) => status.conditions?.some((c) => c.type === "Ready" && c.status === "True"))
    .map(({ metadata }) => metadata.name)
    .sort()[0];
}

function compared(value: unknown, comparison: Comparison, what: string): Seen {
  const held = holds(comparison, value);
  const saw = value === undefined ? "not there" : (JSON.stringify(value)?.slice(0, 200) ?? "");
  return {
    held,
    value: value ?? null,
    ...(held ? {} : { error: `${what} is ${saw}, not ${describeComparison(comparison)}` }),
  };
}
