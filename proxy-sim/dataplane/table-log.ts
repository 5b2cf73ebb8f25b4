import type { RouteTable } from "./route-table.js";
import type { ServicePortRoute } from "./table.js";

/** The tables of some nodes became another one. JSON as `GET /table-changes` answers it. */
export interface TableChange {
  sequence: number;
  atMs: number;
  /** The first flow that these tables decide; those before met the tables that were. */
  firstFlow: number;
  /** `""` stands for hosts that are no nodes. */
  nodes: string[];
  revision: number;
  set: ServicePortRoute[];
  remove: string[];
}

interface Entry {
  sequence: number;
  atMs: number;
  firstFlow: number;
  nodes: string[];
  before: RouteTable;
  after: RouteTable;
}

export interface TableLogOptions {
  nowMs: () => number;
  /** The id that the next flow will have. */
  nextFlow: () => number;
  capacity?: number;
}

const DEFAULT_CAPACITY = 2000;

/** The last changes of the nodes' tables, so that each flow can be compared with the very table it was decided from. */
export class TableLog {
  readonly #options: TableLogOptions;
  readonly #capacity: number;
  readonly #entries: Entry[] = [];
  #next = 1;

  constructor(options: TableLogOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
  }

  /** Tables are immutable: noting one costs a reference. */
  note(node: string, before: RouteTable, after: RouteTable): void {
    if (before === after) return;
    const firstFlow = this.#options.nextFlow();
    const last = this.#entries.at(-1);
    if (last && last.before === before && last.after === after && last.firstFlow === firstFlow) {
      last.nodes.push(node);
      return;
    }
    this.#shareNodes();
    const atMs = this.#options.nowMs();
    this.#entries.push({ sequence: this.#next++, atMs, firstFlow, nodes: [node], before, after });
    if (this.#entries.length > 2 * this.#capacity) this.#entries.splice(0, this.#capacity);
  }

  /** Most changes concern the nodes that the one before did, all of them: a thousand names are kept once. */
  #shareNodes(): void {
    const [earlier, latest] = this.#entries.slice(-2);
    if (earlier && latest && isSameList(earlier.nodes, latest.nodes)) latest.nodes = earlier.nodes;
  }

  /** Changes from this one on; `complete` is false when some of them are forgotten. */
  since(sequence: number): { next: number; complete: boolean; changes: TableChange[] } {
    const oldest = this.#entries[0]?.sequence ?? this.#next;
    const changes = this.#entries.filter((entry) => entry.sequence >= sequence).map(toChange);
    return { next: this.#next, complete: sequence >= oldest, changes };
  }
}

function toChange({ before, after, ...entry }: Entry): TableChange {
  return { ...entry, nodes: [...entry.nodes], revision: after.revision, ...before.changesTo(after) };
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i]);
