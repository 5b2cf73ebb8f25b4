import { type FailureStory, explainFailures } from "../explain-failures.js";
import type { FaultRecord, History } from "../history.js";
import type { RunReport } from "../judge.js";
import type { NamedVerdict } from "../built-in-verdicts.js";
import type { Scenario } from "../scenario/types.js";
import type { Exploration } from "./exploration.js";

/** Goes up when a field changes its meaning or goes away; more fields may come without that. */
export const JOURNAL_VERSION = 1;

/** `failed`: it could not begin, or a step could not do what it says; `aborted`: the deadline, a cluster that went away. */
export type RunStatus = "completed" | "failed" | "aborted" | "interrupted";

/**
 * One run, as a file: Chaos Toolkit's journal (experiment, status, deviated, steady_states, run, rollbacks), our verdicts, and
 * the whole history, from which a later version can judge it again. Plain JSON, described in docs/reports.md.
 */
export interface Journal {
  kind: "Journal";
  apiVersion: "chaos.kubesim.dev/v1";
  version: number;
  /** The scenario as it was run, complete, durations in milliseconds. */
  experiment: Scenario;
  mode: "live" | "simulated";
  seed: string;
  /** The command that runs it again. */
  replay: string;
  /** Of a simulated run: the same for the same seed. */
  hash?: string;
  status: RunStatus;
  /** It ran to its end, and something was violated. */
  deviated: boolean;
  /** Everything held; false also of what could not be judged. */
  held: boolean;
  /** Why it is not `completed`. */
  error?: string;
  /** RFC 3339, of the traffic's beginning and of the end; of the cluster's clock. */
  start: string;
  end: string;
  /** Seconds. */
  duration: number;
  steady_states: { before: SteadyStateRecord | null; after: SteadyStateRecord | null; during: Activity[] };
  run: Activity[];
  rollbacks: Rollback[];
  verdicts: NamedVerdict[];
  /** Why requests failed, the most frequent way first. */
  causes: FailureStory[];
  history: History;
  /** Of many seeds: what all of them came to. The rest of the journal is of the first that was violated. */
  exploration?: Exploration;
}

export interface SteadyStateRecord {
  steady_state_met: boolean;
  probes: Activity[];
  /** What was not as it should be. */
  missing?: string[];
}

/** A step or a look of a probe. */
export interface Activity {
  activity: { type: "action" | "probe"; name: string; provider: string; arguments?: unknown };
  status: "succeeded" | "failed" | "skipped";
  output?: unknown;
  exception?: string;
  start: string;
  end: string;
  /** Seconds. */
  duration: number;
}

/** A healing. */
export interface Rollback extends Activity {
  /** The fault's id, as in `history.faults`. */
  id: string;
  /** It is healed, and no component holds it any more. */
  proven: boolean;
}

export interface JournalOptions {
  scenario: Scenario;
  report: RunReport;
  mode: Journal["mode"];
  replay: string;
  status?: RunStatus;
  error?: string;
  hash?: string;
  exploration?: Exploration;
}

/** The journal of a run that was judged, or of what there is of one that was not (`status` other than `completed`). */
export function newJournal(options: JournalOptions): Journal {
  const { scenario, report, status = "completed" } = options;
  const { history, verdicts } = report;
  const judged = status === "completed";
  return {
    kind: "Journal",
    apiVersion: "chaos.kubesim.dev/v1",
    version: JOURNAL_VERSION,
    experiment: scenario,
    mode: options.mode,
    seed: scenario.seed,
    replay: options.replay,
    ...(options.hash === undefined ? {} : { hash: options.hash }),
    status,
    deviated: judged && !report.held,
    held: judged && report.held,
    ...(options.error === undefined ? {} : { error: options.error }),
    start: timeOf(history.startedAtMs),
    end: timeOf(history.endedAtMs),
    duration: secondsOf(history.endedAtMs - history.startedAtMs),
    steady_states: steadyStatesOf(history),
    run: history.faults.map((fault) => actionOf(fault, history)),
    rollbacks: history.faults.flatMap((fault) => rollbackOf(fault, history)),
    verdicts: judged ? verdicts : [],
    causes: explainFailures(history, scenario),
    history,
    ...(options.exploration === undefined ? {} : { exploration: options.exploration }),
  };
}

function steadyStatesOf(history: History): Journal["steady_states"] {
  const looks = (phase: History["probes"][number]["phase"]): Activity[] =>
    history.probes.filter((probe) => probe.phase === phase).map(lookOf);
  const { recovery } = history;
  const [before, after] = [looks("before"), looks("after")];
  const allMet = (probes: readonly Activity[]): boolean =>
    probes.every(({ status }) => status === "succeeded");
  return {
    before: { steady_state_met: allMet(before), probes: before },
    during: looks("during"),
    after: recovery
      ? {
          steady_state_met: recovery.deploymentsAvailable && recovery.tablesAgree && allMet(after),
          probes: after,
          ...(recovery.missing ? { missing: recovery.missing } : {}),
        }
      : null,
  };
}

function lookOf({ probe, atMs, tookMs, held, value, error }: History["probes"][number]): Activity {
  return {
    activity: { type: "probe", name: probe, provider: "kubesim" },
    status: held ? "succeeded" : "failed",
    ...(value === undefined ? {} : { output: value }),
    ...(error === undefined ? {} : { exception: error }),
    ...spanOf(atMs, atMs + tookMs),
  };
}

function actionOf(
  { name, fault, target, outcome, error, atMs, healedAtMs }: FaultRecord,
  history: History,
): Activity {
  return {
    activity: { type: "action", name, provider: fault, arguments: target },
    status: outcome === "injected" ? "succeeded" : outcome === "failed" ? "failed" : "skipped",
    ...(error === undefined ? {} : { exception: error }),
    ...spanOf(atMs, outcome === "injected" ? (healedAtMs ?? history.endedAtMs) : atMs),
  };
}

/** Momentary faults have nothing to take back. */
function rollbackOf(record: FaultRecord, { recovery, endedAtMs }: History): Rollback[] {
  const { id, name, fault, target, outcome, endsAtMs, healedAtMs, healError } = record;
  if (outcome !== "injected" || endsAtMs === undefined) return [];
  const healed = healedAtMs !== undefined && healError === undefined;
  // A component that does not answer proves nothing; it then stands in `heldFaults` too.
  const proven = healed && recovery?.heldFaults.length === 0;
  const atMs = healed ? healedAtMs : endedAtMs;
  return [
    {
      id,
      activity: { type: "action", name: `heal ${name}`, provider: fault, arguments: target },
      status: healed ? "succeeded" : "failed",
      ...(healError === undefined ? {} : { exception: healError }),
      ...spanOf(Math.min(atMs, endsAtMs), atMs),
      proven,
    },
  ];
}

const spanOf = (fromMs: number, toMs: number): Pick<Activity, "start" | "end" | "duration"> => ({
  start: timeOf(fromMs),
  end: timeOf(toMs),
  duration: secondsOf(toMs - fromMs),
});

export const timeOf = (ms: number): string => new Date(ms).toISOString();
const secondsOf = (ms: number): number => Math.round(ms) / 1000;
