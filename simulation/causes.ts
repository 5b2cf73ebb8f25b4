import type { RunReport } from "../chaos/judge.js";

/** What was violated, in words that are the same whichever seed, pod or moment it was. */
export interface Cause {
  invariant: string;
  /** With names, addresses, times and numbers taken out. */
  text: string;
}

/** One run's violations, plain JSON: small enough to keep for ten thousand seeds. */
export interface SeedSummary {
  seed: string;
  outcome: "held" | "violated" | "could-not-run";
  /** One for each cause, with the first violation as it was told. */
  violations: { cause: Cause; example: string }[];
  error?: string;
  hash: string;
  requests: number;
  failedRequests: number;
  faults: number;
  simulatedMs: number;
}

export const causeKey = ({ invariant, text }: Cause): string => `${invariant}: ${text}`;

/** The violations of a report, one for each cause. */
export function causesOf({ verdicts }: RunReport): SeedSummary["violations"] {
  const found = new Map<string, { cause: Cause; example: string }>();
  for (const { invariant, verdict } of verdicts) {
    if (verdict.held) continue;
    const told = verdict.violations.length > 0 ? verdict.violations : [verdict.summary];
    for (const example of told) {
      const cause = { invariant, text: normalized(example) };
      if (!found.has(causeKey(cause))) found.set(causeKey(cause), { cause, example });
    }
  }
  return [...found.values()];
}

const SUFFIX = "[bcdfghjklmnpqrstvwxz2456789]";
const REPLACEMENTS: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UID"],
  [/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, "ADDRESS"],
  [/\[?[0-9a-f]{1,4}(:[0-9a-f]{0,4}){2,7}\]?(:\d+)?/g, "ADDRESS"],
  [new RegExp(`-${SUFFIX}{8,10}-${SUFFIX}{5}\\b`, "g"), "-*"],
  [new RegExp(`-(?=${SUFFIX}*[2-9])${SUFFIX}{5}\\b`, "g"), "-*"],
  [/\bnode-\d+\b/g, "NODE"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME"],
  [/\d+(\.\d+)?/g, "N"],
];

/** The text without what differs from run to run. */
export function normalized(text: string): string {
  let plain = text;
  for (const [pattern, name] of REPLACEMENTS) plain = plain.replace(pattern, name);
  return plain;
}

/** A cause over all seeds in which it was seen. */
export interface FoundCause {
  cause: Cause;
  seeds: number;
  /** The first seed, in the order of exploration, and how it was told there. */
  firstSeed: string;
  firstIndex: number;
  example: string;
}

/** Counts causes as summaries come in, in whatever order. */
export class Causes {
  readonly #found = new Map<string, FoundCause>();

  add(summary: SeedSummary, index: number): void {
    for (const { cause, example } of summary.violations) {
      const key = causeKey(cause);
      const known = this.#found.get(key);
      if (!known) {
        this.#found.set(key, { cause, seeds: 1, firstSeed: summary.seed, firstIndex: index, example });
        continue;
      }
      known.seeds += 1;
      if (index < known.firstIndex)
        Object.assign(known, { firstSeed: summary.seed, firstIndex: index, example });
    }
  }

  /** The most frequent first. */
  list(): FoundCause[] {
    return [...this.#found.values()].sort((a, b) => b.seeds - a.seeds || a.firstIndex - b.firstIndex);
  }
}
