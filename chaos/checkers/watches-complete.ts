import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { ResumedWatch } from "../evidence.js";
import type { History, WatchEventRecord } from "../history.js";
import { firstDifference, watchesWitness } from "../witnesses/watches.js";

/**
 * The runner's own watches, event by event: versions grow, nothing comes twice, nothing is missing, objects come into being
 * before they change. The second account is a watch that was resumed, after everything, from where the first one stood.
 */
export const watchesComplete: Checker = {
  name: "watches-complete",
  summary: "resourceVersions grow; watches are ordered, without repetition or gap, and can be resumed",
  witnesses: [watchesWitness],
  check(history) {
    const byResource = grouped(history.watchEvents);
    const violations = [...byResource.values()].flatMap((events) => disorder(events, history));
    const isWhole = history.dropped?.["watchEvents"] === undefined;
    const accounts = history.evidence?.resumed ?? [];
    if (isWhole)
      for (const account of accounts)
        violations.push(...contradictions(byResource.get(account.resource) ?? [], account));
    const compared = accounts.filter(({ expired }) => !expired).length;
    return verdictOf(
      violations,
      `${history.watchEvents.length} events in order; ${isWhole ? compared : 0} resources told the same when their watches were resumed`,
      `${violations.length} faults in ${history.watchEvents.length} events`,
    );
  },
};

function grouped(events: readonly WatchEventRecord[]): Map<string, WatchEventRecord[]> {
  const byResource = new Map<string, WatchEventRecord[]>();
  for (const event of events) {
    const list = byResource.get(event.resource);
    if (list) list.push(event);
    else byResource.set(event.resource, [event]);
  }
  return byResource;
}

/** Faults that the events show by themselves. */
function disorder(events: readonly WatchEventRecord[], history: History): string[] {
  const faults: string[] = [];
  let present = new Map<string, WatchEventRecord>();
  let stream = -1;
  let last = 0n;
  for (const event of events) {
    const { type, key, resource, atMs } = event;
    if (type === "ERROR") continue;
    const tell = (problem: string): void =>
      void faults.push(
        `${secondsIn(history, atMs)} ${resource}: ${type} ${key} at ${event.resourceVersion}${problem}`,
      );
    const version = BigInt(event.resourceVersion);
    if (event.stream !== stream) {
      present = new Map();
      stream = event.stream;
    }
    if (type === "LISTED") {
      present.set(key, event);
      if (version > last) last = version;
      continue;
    }
    if (type === "BOOKMARK" ? version < last : version <= last)
      tell(version === last ? " came twice" : ` came after ${last}`);
    if (version > last) last = version;
    if (type === "BOOKMARK") continue;
    const known = present.get(key);
    if (type === "ADDED" && known) tell(`, which exists since ${known.resourceVersion}`);
    if (type !== "ADDED" && !known) tell(", which did not exist");
    if (type !== "ADDED" && known?.uid !== undefined && event.uid !== known.uid) tell(" is another object");
    if (type === "DELETED") present.delete(key);
    else present.set(key, event);
  }
  return faults;
}

/** Where the first account differs from the second, and from what is there at the end. */
function contradictions(events: readonly WatchEventRecord[], account: ResumedWatch): string[] {
  const { resource, fromVersion, untilVersion, listed, differences } = account;
  const found = differences.map((difference) => `${resource} ${difference}`);
  const [from, until] = [BigInt(fromVersion), BigInt(untilVersion)];
  const relisted = new Set(events.map(({ stream }) => stream)).size > 1;
  const told = events.flatMap(({ type, key, resourceVersion }) =>
    isChange(type) && BigInt(resourceVersion) > from && BigInt(resourceVersion) <= until
      ? [{ type, key, resourceVersion }]
      : [],
  );
  // A watch that had to list anew has been told that it missed something.
  const difference = account.expired || relisted ? undefined : firstDifference(account.events, told);
  if (difference !== undefined) found.push(`${resource}: ${difference}`);
  const state = stateAt(events, until);
  for (const key of new Set([...state.keys(), ...Object.keys(listed)])) {
    const [seen, there] = [state.get(key), listed[key]];
    if (seen !== there)
      found.push(
        `${resource}: by its events ${key} is ${seen ?? "away"} at ${untilVersion}, in the list it is ${there ?? "away"}`,
      );
  }
  return found;
}

const isChange = (type: WatchEventRecord["type"]): type is "ADDED" | "MODIFIED" | "DELETED" =>
  type === "ADDED" || type === "MODIFIED" || type === "DELETED";

/** By key, the version that the events lead to. */
function stateAt(events: readonly WatchEventRecord[], until: bigint): Map<string, string> {
  let state = new Map<string, string>();
  let stream = -1;
  for (const { type, key, resourceVersion, ...event } of events) {
    if (type === "BOOKMARK" || type === "ERROR" || BigInt(resourceVersion) > until) continue;
    if (event.stream !== stream) {
      state = new Map();
      stream = event.stream;
    }
    if (type === "DELETED") state.delete(key);
    else state.set(key, resourceVersion);
  }
  return state;
}
