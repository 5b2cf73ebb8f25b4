import { explainFailures } from "../explain-failures.js";
import { newHistory } from "../history.js";
import { judge } from "../judge.js";
import { JOURNAL_VERSION, type Journal } from "./journal.js";

/** Not a journal, or one that this version cannot read. */
export class NotAJournal extends Error {
  override readonly name = "NotAJournal";
}

const PARTS = ["experiment", "history", "verdicts", "run", "rollbacks", "steady_states"] as const;

/** The journal in a text. Throws NotAJournal. */
export function readJournal(text: string): Journal {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (err) {
    throw new NotAJournal(`it is not JSON: ${err instanceof Error ? err.message : String(err)}`);
  }
  const { kind, version, ...parts } = (found ?? {}) as Partial<Journal>;
  if (kind !== "Journal") throw new NotAJournal('it is not a journal: its kind is not "Journal"');
  if (typeof version !== "number" || version > JOURNAL_VERSION)
    throw new NotAJournal(
      `it is of version ${version}; this kubesim reads versions up to ${JOURNAL_VERSION}`,
    );
  const missing = PARTS.find((part) => typeof parts[part] !== "object" || parts[part] === null);
  if (missing) throw new NotAJournal(`it has no "${missing}"`);
  const journal = found as Journal;
  return { ...journal, history: newHistory(journal.history) };
}

export interface Rejudged {
  journal: Journal;
  /** Invariants whose verdict is another one now: `request-budget: was held, is violated`. */
  changes: string[];
}

/** The same run by the checkers of this version. A run that was not completed stays without verdict. */
export function judgeAgain(journal: Journal): Rejudged {
  const { experiment, history, status } = journal;
  const causes = explainFailures(history, experiment);
  if (status !== "completed") return { journal: { ...journal, causes }, changes: [] };
  const { held, verdicts } = judge(experiment, history);
  const before = new Map(journal.verdicts.map(({ invariant, verdict }) => [invariant, verdict.held]));
  const now = new Map(verdicts.map(({ invariant, verdict }) => [invariant, verdict.held]));
  const changes = [...new Set([...before.keys(), ...now.keys()])]
    .filter((invariant) => before.get(invariant) !== now.get(invariant))
    .map((invariant) => `${invariant}: was ${word(before.get(invariant))}, is ${word(now.get(invariant))}`);
  return { journal: { ...journal, held, deviated: !held, verdicts, causes }, changes };
}

const word = (held: boolean | undefined): string =>
  held === undefined ? "not judged" : held ? "held" : "violated";
