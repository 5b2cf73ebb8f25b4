import type { KubeObject } from "../../machinery/api/meta-v1.js";
import type { KeyValue, Revision, StorageEvent } from "../storage/storage.js";
import type { Selection } from "./selection.js";
import type { StoreCore } from "./store-core.js";

export interface WatchSource {
  /** Events after this revision. */
  after: Revision;
}

/** A change as one watcher sees it: what enters its selection is ADDED, what leaves it is DELETED. */
export interface ObjectChange {
  type: "ADDED" | "MODIFIED" | "DELETED";
  /** The state to show. */
  item: KeyValue;
  /** The revision to show with it; differs from the item's when it left the selection. */
  revision: Revision;
  /** Identity of the underlying event: what is encoded from it is shared by all watchers. */
  event: StorageEvent;
}

/** Called with the changes of one commit, in order. Must not throw. */
export type ObjectWatch = (changes: readonly ObjectChange[], revision: Revision) => void;

export type WatchEnd =
  | { kind: "watching"; stop(): void }
  | { kind: "compacted"; compactedRevision: Revision };

export function watchObjects<T extends KubeObject>(
  core: StoreCore<T>,
  selection: Selection,
  { after }: WatchSource,
  watch: ObjectWatch,
): WatchEnd {
  const matches = core.view.matcher(selection);
  const deliver = (events: readonly StorageEvent[]): void => {
    const changes: ObjectChange[] = [];
    let revision = 0;
    for (const event of events) {
      revision = event.item.revision;
      if (revision <= after) continue;
      const change = toChange(event, matches);
      if (change) changes.push(change);
    }
    if (revision > after) watch(changes, revision);
  };
  const prefix = core.prefix(selection.namespace);
  const outcome = core.storage.watch(prefix, after, deliver);
  if (outcome.kind !== "future") return outcome;
  // A revision still to come: wait from here; what is older than asked is left out above.
  const waiting = core.storage.watch(prefix, core.storage.revision, deliver);
  return waiting.kind === "future"
    ? { kind: "compacted", compactedRevision: core.storage.compactedRevision }
    : waiting;
}

function toChange(
  event: StorageEvent,
  matches: ((item: KeyValue) => boolean) | undefined,
): ObjectChange | undefined {
  const { item, previous, type } = event;
  const { revision } = item;
  const is = type !== "deleted" && (!matches || matches(item));
  const was = previous !== undefined && (!matches || matches(previous));
  if (is) return { type: was ? "MODIFIED" : "ADDED", item, revision, event };
  if (!was) return undefined;
  return { type: "DELETED", item: type === "deleted" ? item : previous, revision, event };
}
