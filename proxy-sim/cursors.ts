import type { ObjectKey } from "../machinery/api/resource.js";
import type { ChangeLog } from "./change-log.js";
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
}

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
    const cursor = this.#own.get(node) ?? { revision: this.main.revision, view: this.main.view };
    cursor.fault = fault;
    this.#own.set(node, cursor);
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
    for (const { change, receivedMs, revision: next } of changes) {
      if (receivedMs > latestMs) break;
      view = view.with(change);
      revision = next;
      services.add(serviceOf(change));
    }
    return revision === cursor.revision ? undefined : { revision, view, services };
  }

  /** Since when the node has known of a change that its table does not have; undefined when it is up to date. */
  pendingSinceMs(node: string, nowMs: number): number | undefined {
    const { fault, revision } = this.#own.get(node) ?? this.main;
    const next = fault?.stalled ? undefined : this.#log.after(revision)?.[0];
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
