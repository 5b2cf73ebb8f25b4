import type { ObjectKey } from "../machinery/api/resource.js";
import type { ChangeLog, LoggedChange } from "./change-log.js";
import { ClusterView, serviceOf } from "./cluster-view.js";

/** What keeps a node from hearing of changes at once. */
export interface CursorFault {
  /** Hears nothing until healed. */
  stalled?: boolean;
  /** Hears everything, that much later. */
  delayMs?: number;
}

export interface NodeFault extends CursorFault {
  node: string;
}

/** How far one or many nodes have read the change log. */
export interface Cursor {
  revision: number;
  view: ClusterView;
  fault?: CursorFault;
  /** Whether the node's own watches have brought it this change; absent: it hears what the shared stream brings. */
  hasHeard?: (change: LoggedChange) => boolean;
}

/** It goes its own pace, and does not join the others. */
export const isApart = ({ fault, hasHeard }: Cursor): boolean =>
  hasHeard !== undefined || fault?.stalled === true || fault?.delayMs !== undefined;

export interface Advance {
  revision: number;
  view: ClusterView;
  /** Services that changed on the way. */
  services: ReadonlySet<ObjectKey>;
}

/**
 * Where each node stands in the change log. Nodes that are well share one cursor; a node with a fault has its own and goes
 * its own pace.
 */
export class Cursors {
  readonly main: Cursor;
  readonly #log: ChangeLog;
  readonly #own = new Map<string, Cursor>();

  constructor(log: ChangeLog) {
    this.#log = log;
    this.main = { revision: log.head, view: ClusterView.empty };
  }

  own(): ReadonlyMap<string, Cursor> {
    return this.#own;
  }

  fault(node: string, fault: CursorFault): void {
    this.#ownOf(node).fault = fault;
  }

  /** From now on the node's table waits for what the node's own watches bring; without `hasHeard` it joins the others. */
  gate(node: string, hasHeard?: (change: LoggedChange) => boolean): void {
    if (hasHeard) this.#ownOf(node).hasHeard = hasHeard;
    else delete this.#own.get(node)?.hasHeard;
  }

  #ownOf(node: string): Cursor {
    const cursor = this.#own.get(node) ?? { revision: this.main.revision, view: this.main.view };
    this.#own.set(node, cursor);
    return cursor;
  }

  /** The node hears at once again, and will join the others with the next sync. */
  heal(node: string): void {
    const cursor = this.#own.get(node);
    if (cursor) cursor.fault = {};
  }

  forget(node: string): void {
    this.#own.delete(node);
  }

  revisionOf(node: string): number {
    return (this.#own.get(node) ?? this.main).revision;
  }

  /** Where the cursor may go by now; undefined when it may not move. */
  advance(cursor: Cursor, nowMs: number): Advance | undefined {
    if (cursor.fault?.stalled || cursor.revision === this.#log.head) return undefined;
    const changes = this.#log.after(cursor.revision);
    // Too far behind for the log: as after a 410, the node lists anew and has what the others have.
    if (!changes) return { revision: this.main.revision, view: this.main.view, services: new Set() };
    const latestMs = nowMs - (cursor.fault?.delayMs ?? 0);
    let { revision, view } = cursor;
    const services = new Set<ObjectKey>();
    for (const logged of changes) {
      const { change, receivedMs, revision: next } = logged;
      if (receivedMs > latestMs || cursor.hasHeard?.(logged) === false) break;
      view = view.with(change);
      revision = next;
      services.add(serviceOf(change));
    }
    return revision === cursor.revision ? undefined : { revision, view, services };
  }

  /** Since when the node has known of a change that its table does not have; undefined when it is up to date. */
  pendingSinceMs(node: string, nowMs: number): number | undefined {
    const { fault, revision, hasHeard } = this.#own.get(node) ?? this.main;
    const next = fault?.stalled ? undefined : this.#log.after(revision)?.[0];
    if (next && hasHeard?.(next) === false) return undefined;
    const heardMs = next && next.receivedMs + (fault?.delayMs ?? 0);
    return heardMs !== undefined && heardMs <= nowMs ? heardMs : undefined;
  }

  /** What the node's table was made from. */
  viewOf(node: string): ClusterView {
    return (this.#own.get(node) ?? this.main).view;
  }

  /** When a delayed cursor may move next. */
  nextDueMs(): number | undefined {
    let dueMs: number | undefined;
    for (const { fault, revision } of this.#own.values()) {
      if (fault?.stalled || fault?.delayMs === undefined) continue;
      const next = this.#log.after(revision)?.[0];
      if (next) dueMs = Math.min(dueMs ?? Number.POSITIVE_INFINITY, next.receivedMs + fault.delayMs);
    }
    return dueMs;
  }

  /** The oldest revision that some cursor stands at. */
  oldest(): number {
    let oldest = this.main.revision;
    for (const { revision } of this.#own.values()) oldest = Math.min(oldest, revision);
    return oldest;
  }
}
