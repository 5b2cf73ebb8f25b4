import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { WriteRecord } from "../evidence.js";
import type { History } from "../history.js";
import { writesWitness } from "../witnesses/writes.js";

/** `undefined` stands for an object that is not there. */
type State = string | undefined;

/**
 * A write that was acknowledged is read back, and is there at the end; one that was refused has changed nothing; one without
 * an answer may have done either.
 */
export const noWriteLost: Checker = {
  name: "no-write-lost",
  summary: "no acknowledged write is lost",
  witnesses: [writesWitness],
  check(history) {
    const writes = history.evidence?.writes ?? [];
    const count = (outcome: WriteRecord["outcome"]): number =>
      writes.filter((write) => write.outcome === outcome).length;
    const violations = [...byKey(writes).values()].flatMap((records) => lostIn(records, history));
    violations.push(...goingBack(writes, history));
    const counted = `${count("ok")} acknowledged writes (${count("failed")} refused, ${count("unknown")} without an answer)`;
    if (writes.length === 0) return verdictOf(["nothing was written"], "", "nothing was written");
    return verdictOf(
      violations,
      `${counted}, all there`,
      `${violations.length} contradictions in ${counted}`,
    );
  },
};

function byKey(writes: readonly WriteRecord[]): Map<string, WriteRecord[]> {
  const found = new Map<string, WriteRecord[]>();
  for (const write of writes) {
    const records = found.get(write.key);
    if (records) records.push(write);
    else found.set(write.key, [write]);
  }
  return found;
}

function lostIn(records: readonly WriteRecord[], history: History): string[] {
  const found: string[] = [];
  let before: State;
  for (const write of records) {
    const allowed = statesAfter(write, before);
    const look = (seen: string | null | undefined, when: string): void => {
      if (seen === undefined || allowed.includes(seen ?? undefined)) return;
      found.push(
        `${secondsIn(history, write.atMs)} ${write.verb} of ${write.key}${write.value === undefined ? "" : ` to "${write.value}"`} ${OUTCOMES[write.outcome]}; ${when} it ${seen === null ? "was not there" : `said "${seen}"`}`,
      );
    };
    look(write.readBack, "read back");
    look(write.finally, "at the end");
    before = allowed[0];
  }
  return found;
}

const OUTCOMES = { ok: "was acknowledged", failed: "was refused", unknown: "got no answer" } as const;

/** The likeliest first. */
function statesAfter({ outcome, verb, value }: WriteRecord, before: State): State[] {
  const after = verb === "delete" ? undefined : value;
  if (outcome === "ok") return [after];
  return outcome === "failed" ? [before] : [after, before];
}

/** Versions that were acknowledged grow, whatever object they are of. */
function goingBack(writes: readonly WriteRecord[], history: History): string[] {
  const found: string[] = [];
  let last = 0n;
  for (const { atMs, key, resourceVersion } of writes) {
    if (resourceVersion === undefined) continue;
    const version = BigInt(resourceVersion);
    if (version <= last)
      found.push(`${secondsIn(history, atMs)} ${key} was acknowledged at ${version}, after ${last}`);
    if (version > last) last = version;
  }
  return found;
}
