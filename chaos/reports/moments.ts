import type { Verdict } from "../checker.js";
import type { History } from "../history.js";

const SINCE_START = /(?:^|\bat )(\d+(?:\.\d+)?) ?s\b/;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

/** The moment that a violation speaks of, as a wall time; undefined when it names none. */
export function momentOf(
  violation: string,
  { startedAtMs }: Pick<History, "startedAtMs">,
): number | undefined {
  const time = TIME.exec(violation);
  if (time) return Date.parse(time[0]);
  const seconds = SINCE_START.exec(violation)?.[1];
  return seconds === undefined ? undefined : startedAtMs + Number(seconds) * 1000;
}

/** The earliest moment that the violations of a verdict speak of. */
export function firstMomentOf({ held, violations }: Verdict, history: History): number | undefined {
  if (held) return undefined;
  const moments = violations.flatMap((violation) => momentOf(violation, history) ?? []);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}
