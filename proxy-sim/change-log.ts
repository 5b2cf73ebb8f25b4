import type { Change } from "./cluster-view.js";

export interface LoggedChange {
  /** Counts changes; a table's revision is the number of the last change in it. */
  revision: number;
  change: Change;
  receivedMs: number;
  /** By which the API server knows the change, a deletion too. */
  resourceVersion: number;
}

const MOST_KEPT = 65_536;

/** The changes of every resource, in the order in which they came, for cursors to read at their own pace. Bounded. */
export class ChangeLog {
  readonly #changes: LoggedChange[] = [];
  #head: number;

  constructor(revision: number) {
    this.#head = revision;
  }

  /** Revision of the last change. */
  get head(): number {
    return this.#head;
  }

  /** `resourceVersion` is needed for deletions; other changes bring their own. */
  append(change: Change, receivedMs: number, resourceVersion?: string): LoggedChange {
    this.#head += 1;
    const version = Number(resourceVersion ?? change.object?.metadata.resourceVersion ?? 0);
    const logged = { revision: this.#head, change, receivedMs, resourceVersion: version };
    this.#changes.push(logged);
    if (this.#changes.length > 2 * MOST_KEPT) this.#changes.splice(0, MOST_KEPT);
    return logged;
  }

  /** Changes after `revision`, or undefined when some of them are no longer kept. */
  after(revision: number): readonly LoggedChange[] | undefined {
    const missing = this.#head - revision;
    if (missing === 0) return [];
    if (missing > this.#changes.length) return undefined;
    return this.#changes.slice(this.#changes.length - missing);
  }

  /** What no cursor will ask for again. */
  trim(revision: number): void {
    const kept = this.#head - revision;
    if (kept < this.#changes.length) this.#changes.splice(0, this.#changes.length - kept);
  }
}
