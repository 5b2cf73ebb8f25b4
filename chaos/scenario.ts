import {
  type FieldError,
  type FieldPath,
  field,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../machinery/api/field-error.js";
import { newFaultSpec, newScenario, newTarget, newTraffic } from "./scenario/defaults.js";
import type { FaultSpec, Scenario, TargetSpec, TrafficSpec } from "./scenario/types.js";

export const SCENARIO_API_VERSION = "chaos.kubesim.dev/v1";

/** What the lists of faults and checkers know, for messages with a suggestion. */
export interface Vocabulary {
  faults: readonly string[];
  invariants: readonly string[];
}

type Raw = Record<string, unknown>;

/** The scenario, or every field error of it. */
export function parseScenario(
  document: unknown,
  vocabulary: Vocabulary,
): { scenario: Scenario; errors: FieldError[] } {
  const reader = new Reader();
  const root = asRecord(document);
  if (root.apiVersion !== SCENARIO_API_VERSION) {
    reader.errors.push(notSupported(field("apiVersion"), root.apiVersion, [SCENARIO_API_VERSION]));
  }
  if (root.kind !== "Scenario") reader.errors.push(notSupported(field("kind"), root.kind, ["Scenario"]));
  const spec = asRecord(root.spec);
  const at = field("spec");
  reader.onlyKnown(spec, FIELDS.spec, at);
  const durationMs = reader.duration(spec.duration, at.child("duration"), 30_000);
  const scenario = newScenario({
    name: reader.text(asRecord(root.metadata).name, field("metadata", "name")),
    seed: String((spec.seed ?? "0") as string),
    durationMs,
    manifests: reader.texts(spec.manifests, at.child("manifests")),
    traffic: reader.list(spec.traffic, at.child("traffic"), (raw, path) => parseTraffic(reader, raw, path)),
    faults: reader.list(spec.faults, at.child("faults"), (raw, path) =>
      parseFault(reader, raw, path, durationMs, vocabulary),
    ),
    invariants: reader
      .texts(spec.invariants, at.child("invariants"))
      .map((name) => ({ name, parameters: {} })),
    budgets: parseBudgets(reader, asRecord(spec.budgets), at.child("budgets")),
  });
  scenario.invariants.forEach(({ name }, i) => {
    reader.known(name, vocabulary.invariants, at.child("invariants").index(i));
  });
  return { scenario, errors: reader.errors };
}

function parseTraffic(reader: Reader, raw: Raw, at: FieldPath): TrafficSpec {
  reader.onlyKnown(raw, FIELDS.traffic, at);
  const from = raw.from ?? "pod";
  reader.known(from, ["pod", "host"], at.child("from"));
  const namespace =
    raw.namespace === undefined ? "default" : reader.text(raw.namespace, at.child("namespace"));
  return newTraffic({
    name: reader.text(raw.name, at.child("name")),
    from: from === "host" ? "host" : "pod",
    namespace,
    ...(from === "host"
      ? { service: reader.text(raw.service, at.child("service")) }
      : { url: reader.text(raw.url, at.child("url")) }),
    perSecond: reader.number(raw.perSecond, at.child("perSecond"), 10, 1, 10_000),
    timeoutMs: reader.duration(raw.timeout, at.child("timeout"), 2000),
    keepAlive: raw.keepAlive === true,
  });
}

function parseFault(
  reader: Reader,
  raw: Raw,
  at: FieldPath,
  durationMs: number,
  vocabulary: Vocabulary,
): FaultSpec {
  const fault = reader.text(raw.fault, at.child("fault"));
  if (fault) reader.known(fault, vocabulary.faults, at.child("fault"));
  const target = asRecord(raw.target);
  reader.onlyKnown(raw, FIELDS.fault, at);
  reader.onlyKnown(target, FIELDS.target, at.child("target"));
  const mode = target.mode ?? "one";
  reader.known(mode, ["one", "all", "count"], at.child("target", "mode"));
  const everyMs = reader.interval(raw.every, at.child("every"), durationMs);
  const times = reader.number(raw.times, at.child("times"), 1_000_000, 1, 1_000_000);
  const afterMs = reader.duration(raw.after, at.child("after"), 0);
  return newFaultSpec({
    name: raw.name === undefined ? fault : reader.text(raw.name, at.child("name")),
    fault,
    trigger: {
      startMs: { min: afterMs, max: afterMs },
      untilMs: reader.duration(raw.until, at.child("until"), durationMs),
      probability: 100,
      ...(raw.every === undefined ? {} : { repeat: { everyMs, jitterMs: 0, times } }),
    },
    target: newTarget({
      namespace:
        target.namespace === undefined
          ? "default"
          : reader.text(target.namespace, at.child("target", "namespace")),
      selector: reader.text(target.selector, at.child("target", "selector")),
      mode: mode as TargetSpec["mode"],
      count: reader.number(target.count, at.child("target", "count"), 1, 1, 100_000),
    }),
    parameters: asRecord(raw.parameters),
  });
}

function parseBudgets(reader: Reader, raw: Raw, at: FieldPath): Scenario["budgets"] {
  reader.onlyKnown(raw, FIELDS.budgets, at);
  return {
    failedRequests: reader.number(
      raw.failedRequests,
      at.child("failedRequests"),
      0,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    ...(raw.failedRatio === undefined
      ? {}
      : { failedRatio: reader.number(raw.failedRatio, at.child("failedRatio"), 0, 0, 1) }),
  };
}

/** What each part of a file may hold; anything else is most likely misspelt. */
const FIELDS = {
  spec: ["seed", "duration", "manifests", "traffic", "faults", "invariants", "budgets"],
  traffic: ["name", "from", "namespace", "url", "service", "perSecond", "timeout", "keepAlive"],
  fault: ["name", "fault", "after", "until", "every", "times", "target", "parameters"],
  target: ["namespace", "selector", "mode", "count"],
  budgets: ["failedRequests", "failedRatio"],
} as const;

const asRecord = (value: unknown): Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Raw) : {};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `1.5s`, `250ms`, `2m`; undefined when it is no duration. */
export function parseDurationMs(text: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(text));
  return match ? Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0) : undefined;
}

/** Reads values and collects what is wrong with them. */
class Reader {
  readonly errors: FieldError[] = [];

  text(value: unknown, at: FieldPath): string {
    if (typeof value === "string" && value !== "") return value;
    this.errors.push(value === undefined ? required(at) : invalid(at, value, "must be a string"));
    return "";
  }

  texts(value: unknown, at: FieldPath): string[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.errors.push(invalid(at, value, "must be a list of strings"));
      return [];
    }
    return value.map((entry, i) => this.text(entry, at.index(i)));
  }

  list<T>(value: unknown, at: FieldPath, parse: (raw: Raw, at: FieldPath) => T): T[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.errors.push(invalid(at, value, "must be a list"));
      return [];
    }
    return value.map((entry, i) => parse(asRecord(entry), at.index(i)));
  }

  number(value: unknown, at: FieldPath, initial: number, min: number, max: number): number {
    if (value === undefined) return initial;
    if (typeof value === "number" && value >= min && value <= max) return value;
    this.errors.push(invalid(at, value, `must be a number between ${min} and ${max}`));
    return initial;
  }

  duration(value: unknown, at: FieldPath, initial: number): number {
    if (value === undefined) return initial;
    const ms = parseDurationMs(value);
    if (ms === undefined) this.errors.push(invalid(at, value, "must be a duration such as 500ms, 2s or 1m"));
    return ms ?? initial;
  }

  /** `2s`, or `1s-3s` for a random interval. */
  interval(value: unknown, at: FieldPath, initial: number): { min: number; max: number } {
    if (value === undefined) return { min: initial, max: initial };
    const [low, high = low] = String(value as string).split("-");
    const min = parseDurationMs(low);
    const max = parseDurationMs(high);
    if (min !== undefined && max !== undefined && min <= max && max > 0) return { min, max };
    this.errors.push(invalid(at, value, "must be a duration such as 2s, or a range such as 1s-3s"));
    return { min: initial, max: initial };
  }

  onlyKnown(raw: Raw, names: readonly string[], at: FieldPath): void {
    for (const name of Object.keys(raw)) {
      if (names.includes(name)) continue;
      const close = nearest(name, names);
      const hint = close ? `unknown field; did you mean ${JSON.stringify(close)}?` : "unknown field";
      this.errors.push(forbidden(at.child(name), hint));
    }
  }

  known(value: unknown, names: readonly string[], at: FieldPath): void {
    if (typeof value === "string" && names.includes(value)) return;
    const error = notSupported(at, value, names);
    const close = nearest(String(value as string), names);
    this.errors.push(
      close ? { ...error, body: `${error.body}; did you mean ${JSON.stringify(close)}?` } : error,
    );
  }
}

/** The name with the fewest edits away, if that is few. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const scored = names
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= Math.max(2, word.length / 3) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
