import { setMaxListeners } from "node:events";
import type { Rng } from "../machinery/api/rng.js";
import { CannotRun, NotHealed } from "./cannot-run.js";
import type { ClusterAccess, HeldFault } from "./cluster-access.js";
import { waitForCondition } from "./condition.js";
import { claimsOf, type Fault } from "./fault.js";
import type { FaultRecord } from "./history.js";
import { orAborted } from "./or-aborted.js";
import { isPassing } from "./passing.js";
import type { FaultSpec, Range, Scenario } from "./scenario/types.js";

export interface StepsOptions {
  scenario: Scenario;
  cluster: ClusterAccess;
  faults: readonly Fault[];
  /** Root of the run's chance. */
  rng: Rng;
  tell: (line: string) => void;
}

/** Something that matches a moment later is waited for, and so is an API server that another fault keeps away. */
const CHOICE_PATIENCE_MS = 5000;
const CHOICE_POLL_MS = 200;
const MOST_DRAWS = 8;

/** What others may wait for of a step. */
interface Progress {
  injected: Promise<void>;
  healed: Promise<void>;
  tellInjected: () => void;
  tellHealed: () => void;
}

/** Runs the steps of a scenario beside each other. What is held when it stops is healed. */
export class StepRunner {
  readonly records: FaultRecord[] = [];
  readonly #options: StepsOptions;
  readonly #progress = new Map<string, Progress>();
  readonly #held = new Map<string, { fault: HeldFault; claims: readonly string[] }>();
  #startedMs = 0;
  #startedWallMs = 0;

  constructor(options: StepsOptions) {
    this.#options = options;
    for (const { name } of options.scenario.faults) this.#progress.set(name, newProgress());
  }

  /** Whether a fault acts now. */
  get active(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Resolves when every fault of every step is healed. Rejects with CannotRun when a step could not do what it says; the
   * signal's reason when that aborts. Either way nothing is held afterwards.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.cluster;
    this.#startedMs = clock.monotonicMs();
    this.#startedWallMs = clock.nowMs();
    const stop = new AbortController();
    // Every step waits on it.
    setMaxListeners(0, stop.signal);
    const passOn = (): void => stop.abort(signal.reason);
    signal.addEventListener("abort", passOn, { once: true });
    if (signal.aborted) passOn();
    const steps = this.#options.scenario.faults.map((spec) =>
      this.#run(spec, stop.signal).catch((err: unknown) => {
        stop.abort(err);
        throw err;
      }),
    );
    const ended = await Promise.allSettled(steps);
    signal.removeEventListener("abort", passOn);
    await Promise.all([...this.#held.values()].map(({ fault }) => fault.release()));
    this.records.sort((a, b) => a.atMs - b.atMs);
    if (!ended.some(({ status }) => status === "rejected")) return;
    const left = tellLeft(this.records);
    throw left === undefined ? stop.signal.reason : new NotHealed(left);
  }

  async #run(spec: FaultSpec, signal: AbortSignal): Promise<void> {
    const progress = this.#progress.get(spec.name) ?? newProgress();
    const healings: Promise<void>[] = [];
    if (await this.#reachStart(spec, signal)) await this.#injectAll(spec, progress, healings, signal);
    progress.tellInjected();
    await orAborted(Promise.all(healings), signal);
    progress.tellHealed();
  }

  /** Waits for another step, the delay, and the condition. False when the condition never held. */
  async #reachStart(spec: FaultSpec, signal: AbortSignal): Promise<boolean> {
    const { startMs, after, when, untilMs } = spec.trigger;
    const { cluster } = this.#options;
    const delayMs = drawn(startMs, this.#rng(spec).fork("start"));
    const before = after && this.#progress.get(after.step);
    if (after && before) {
      await orAborted(before[after.event], signal);
      await cluster.clock.sleep(delayMs, signal);
    } else await this.#sleepUntil(delayMs, signal);
    if (!when) return true;
    const limitMs = Math.min(when.timeoutMs, untilMs - this.#elapsedMs());
    const held = await waitForCondition(cluster, when.condition, limitMs, signal);
    if (held) return true;
    const error = `the condition "${when.condition.text}" did not hold in time`;
    this.#record(spec, 0, { outcome: "not-reached", error });
    if (!spec.target.optional) throw new CannotRun(`step "${spec.name}": ${error}`);
    return false;
  }

  async #injectAll(
    spec: FaultSpec,
    progress: Progress,
    healings: Promise<void>[],
    signal: AbortSignal,
  ): Promise<void> {
    const { repeat, probability, untilMs } = spec.trigger;
    const fromMs = this.#elapsedMs();
    for (let i = 0, dueMs = fromMs; i < (repeat?.times ?? 1); i++) {
      const rng = this.#rng(spec).fork(String(i));
      if (repeat) dueMs += drawn(repeat.everyMs, rng.fork("interval"));
      if (dueMs > untilMs) break;
      const jitterMs = (repeat?.jitterMs ?? 0) * rng.fork("jitter").next();
      await this.#sleepUntil(dueMs + jitterMs, signal);
      if (rng.fork("probability").next() * 100 >= probability) continue;
      const injected = await this.#inject(spec, i, rng, signal);
      if (injected) healings.push(injected.healed);
      progress.tellInjected();
    }
  }

  /** Answers with its healing; undefined when nothing was injected. */
  async #inject(
    spec: FaultSpec,
    index: number,
    rng: Rng,
    signal: AbortSignal,
  ): Promise<{ healed: Promise<void> } | undefined> {
    const fault = this.#faultOf(spec);
    const record = this.#record(spec, index, { outcome: "nothing-to-hit" });
    try {
      const target = await this.#choose(fault, spec, rng, signal);
      record.atMs = this.#options.cluster.clock.nowMs();
      if (target === undefined) return this.#hitNothing(spec, record);
      record.target = target;
      const endsAtMs = this.#endOf(spec, fault, rng);
      if (!fault.momentary) record.endsAtMs = endsAtMs;
      const held = await this.#options.cluster.faults.hold({
        id: record.id,
        fault: fault.name,
        target,
        endsAtMs,
      });
      record.outcome = "injected";
      this.#say(spec, `${fault.name} ${JSON.stringify(target)}`);
      return { healed: this.#follow(spec, fault, record, held) };
    } catch (err) {
      if (signal.aborted || err instanceof CannotRun) throw err;
      return this.#failed(spec, record, err);
    }
  }

  /** Waits a little for something that matches, and for an API server that is away. */
  async #choose(fault: Fault, spec: FaultSpec, rng: Rng, signal: AbortSignal): Promise<unknown> {
    const { clock } = this.#options.cluster;
    const untilMs = clock.monotonicMs() + CHOICE_PATIENCE_MS;
    for (;;) {
      const isLast = clock.monotonicMs() >= untilMs;
      try {
        const target = await this.#drawFree(fault, spec, rng);
        if (target !== undefined || spec.target.optional || isLast) return target;
      } catch (err) {
        if (isLast || !isPassing(err)) throw err;
      }
      await clock.sleep(CHOICE_POLL_MS, signal);
    }
  }

  /** Draws again when the draw fell on what the run holds already; a target that leaves no choice stays. */
  async #drawFree(fault: Fault, spec: FaultSpec, rng: Rng): Promise<unknown> {
    const { client, clock } = this.#options.cluster;
    const taken = new Set([...this.#held.values()].flatMap(({ claims }) => claims));
    let target: unknown;
    for (let i = 0; i < MOST_DRAWS; i++) {
      const draws = rng.fork(i === 0 ? "target" : `target/${i}`);
      target = await fault.choose({ client, clock, rng: draws }, spec);
      if (target === undefined || !claimsOf(fault, target).some((claim) => taken.has(claim))) break;
    }
    return target;
  }

  #hitNothing(spec: FaultSpec, record: FaultRecord): undefined {
    record.error = `nothing matches ${describeTarget(spec)}`;
    this.#say(spec, record.error);
    if (!spec.target.optional) throw new CannotRun(`step "${spec.name}": ${record.error}`);
  }

  /** What nobody can inject is a mistake in the scenario; what failed because something was broken is an outcome. */
  #failed(spec: FaultSpec, record: FaultRecord, err: unknown): undefined {
    record.outcome = "failed";
    record.error = err instanceof Error ? err.message : String(err);
    this.#say(spec, `failed: ${record.error}`);
    if (err instanceof RangeError && !spec.target.optional) {
      throw new CannotRun(`step "${spec.name}": ${record.error}`);
    }
  }

  async #follow(spec: FaultSpec, fault: Fault, record: FaultRecord, held: HeldFault): Promise<void> {
    this.#held.set(record.id, { fault: held, claims: claimsOf(fault, record.target) });
    const healing = await held.healed;
    this.#held.delete(record.id);
    if (Number.isFinite(healing.atMs)) record.healedAtMs = healing.atMs;
    if (healing.error !== undefined) record.healError = healing.error;
    if (!fault.momentary)
      this.#say(spec, healing.error === undefined ? "healed" : `not healed: ${healing.error}`);
  }

  /** Wall time. What has no duration ends with the step's window, and nothing outlives the run. */
  #endOf({ durationMs, trigger }: FaultSpec, { momentary }: Fault, rng: Rng): number {
    const { clock } = this.#options.cluster;
    const runEndsMs = this.#startedWallMs + this.#options.scenario.durationMs;
    const windowEndsMs = this.#startedWallMs + trigger.untilMs;
    const nowMs = clock.nowMs();
    if (momentary) return nowMs + MOMENTARY_LIMIT_MS;
    if (!durationMs) return Math.min(runEndsMs, windowEndsMs);
    return Math.min(runEndsMs, nowMs + drawn(durationMs, rng.fork("duration")));
  }

  #record(spec: FaultSpec, index: number, given: Pick<FaultRecord, "outcome" | "error">): FaultRecord {
    const record: FaultRecord = {
      id: `${this.#options.scenario.name}.${Math.round(this.#startedWallMs).toString(36)}.${spec.name}.${index}`,
      name: spec.name,
      fault: spec.fault,
      atMs: this.#options.cluster.clock.nowMs(),
      target: null,
      ...given,
    };
    this.records.push(record);
    return record;
  }

  #faultOf({ name, fault }: FaultSpec): Fault {
    const found = this.#options.faults.find((known) => known.name === fault);
    if (!found) throw new CannotRun(`step "${name}": unknown fault "${fault}"`);
    return found;
  }

  /** A branch of its own for each step: removing one moves no draw of another. */
  #rng({ name }: FaultSpec): Rng {
    return this.#options.rng.fork(`fault/${name}`);
  }

  #elapsedMs(): number {
    return this.#options.cluster.clock.monotonicMs() - this.#startedMs;
  }

  async #sleepUntil(dueMs: number, signal: AbortSignal): Promise<void> {
    await this.#options.cluster.clock.sleep(Math.max(0, dueMs - this.#elapsedMs()), signal);
  }

  #say({ name }: FaultSpec, text: string): void {
    this.#options.tell(`${(this.#elapsedMs() / 1000).toFixed(2)}s ${name}: ${text}`);
  }
}

/** A momentary fault that takes longer to be made has failed. */
const MOMENTARY_LIMIT_MS = 60_000;

function newProgress(): Progress {
  let [tellInjected, tellHealed] = [(): void => {}, (): void => {}];
  const injected = new Promise<void>((resolve) => (tellInjected = resolve));
  const healed = new Promise<void>((resolve) => (tellHealed = resolve));
  return { injected, healed, tellInjected, tellHealed };
}

const drawn = ({ min, max }: Range, rng: Rng): number => (min === max ? min : rng.int(min, max));

/** `the target of kill-pod: selector app=web in namespace default`. */
export function describeTarget({ target, fault }: FaultSpec): string {
  const words = (["name", "owner", "node", "zone", "phase", "nodeSelector", "fieldSelector"] as const)
    .filter((field) => target[field] !== undefined)
    .map((field) => `${field} ${target[field]}`);
  const selector = target.selector === undefined ? [] : [`selector ${target.selector}`];
  const age = target.minAgeMs === undefined ? [] : [`minAge ${target.minAgeMs / 1000}s`];
  const narrowed = [...selector, ...words, ...age];
  return `the target of ${fault}${narrowed.length > 0 ? `: ${narrowed.join(", ")}` : ""} in namespace ${target.namespace}`;
}

/** Which faults could not be healed, and why, in the order of their names; undefined when all were. */
export function tellLeft(records: readonly FaultRecord[]): string | undefined {
  const left = records.filter(({ healError }) => healError !== undefined);
  const errors = [...new Set(left.map(({ healError }) => healError))];
  const told = errors.map((error) => {
    const ids = left.filter(({ healError }) => healError === error).map(({ id }) => id);
    return `not healed: ${ids.sort().join(", ")} (${error})`;
  });
  return told.length === 0 ? undefined : told.join("; ");
}
