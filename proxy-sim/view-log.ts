import type { ClusterView } from "./cluster-view.js";
import type { ServicePortRoute } from "./dataplane/table.js";

/** The whole table that belongs to a revision, computed from what was known then. JSON as `GET /views` answers it. */
export interface ViewOfRevision {
  sequence: number;
  revision: number;
  routes: ServicePortRoute[];
}

interface Entry {
  sequence: number;
  revision: number;
  view: ClusterView;
}

const CAPACITY = 500;

/**
 * The last views that tables were made from. Views are immutable and share what did not change, so that every sync can be
 * computed again, as a whole, by whoever asks.
 */
export class ViewLog {
  readonly #entries: Entry[] = [];
  #next = 1;

  note(revision: number, view: ClusterView): void {
    if (this.#entries.at(-1)?.view === view && this.#entries.at(-1)?.revision === revision) return;
    this.#entries.push({ sequence: this.#next++, revision, view });
    if (this.#entries.length > 2 * CAPACITY) this.#entries.splice(0, CAPACITY);
  }

  since(sequence: number): { next: number; views: ViewOfRevision[] } {
    const views = this.#entries
      .filter((entry) => entry.sequence >= sequence)
      .map(({ view, ...entry }) => ({ ...entry, routes: view.allRoutes() }));
    return { next: this.#next, views };
  }
}
