import type { TableChange } from "../../proxy-sim/dataplane/table-log.js";
import type { ViewOfRevision } from "../../proxy-sim/view-log.js";
import type { ClusterAccess } from "../cluster-access.js";
import type { DataPlaneRecord, ViewRecord } from "../evidence.js";
import { lookEvery, type Witness } from "../witness.js";

const PERIOD_MS = 1000;

interface Changes {
  start: string;
  next: number;
  complete: boolean;
  changes: TableChange[];
}

type Snapshot = Pick<DataPlaneRecord, "start" | "firstFlow" | "tables"> & { next: number };

/** Every change of every node's table, and what each revision was made from. */
export const tablesWitness: Witness = {
  name: "tables",
  async start({ cluster, signal }) {
    const tables = new TableReader(cluster);
    const views = new ViewReader(cluster);
    const look = async (): Promise<void> => {
      await views.read().catch(() => {});
      await tables.read().catch(() => {});
    };
    await look();
    return {
      testify: async () => {
        await look();
        return { dataPlanes: tables.records, views: views.records };
      },
      ended: lookEvery(cluster.clock, PERIOD_MS, signal, look),
    };
  },
};

class TableReader {
  readonly records: DataPlaneRecord[] = [];
  readonly #cluster: ClusterAccess;
  #next = 0;

  constructor(cluster: ClusterAccess) {
    this.#cluster = cluster;
  }

  async read(): Promise<void> {
    const last = this.records.at(-1);
    if (!last) return this.#begin((await this.#get("/table-changes")) as Snapshot);
    const answer = (await this.#get(`/table-changes?since=${this.#next}`)) as Changes;
    if (answer.start === last.start) return this.#add(last, answer);
    // Another process: it remembers its first change, unless it made very many already.
    const record: DataPlaneRecord = { start: answer.start, firstFlow: 1, tables: [], changes: [] };
    this.records.push(record);
    this.#add(record, (await this.#get("/table-changes?since=1")) as Changes);
  }

  #begin({ next, ...snapshot }: Snapshot): void {
    this.records.push({ ...snapshot, changes: [] });
    this.#next = next;
  }

  #add(record: DataPlaneRecord, { changes, next, complete }: Changes): void {
    record.changes.push(...changes);
    if (!complete) record.incomplete = true;
    this.#next = next;
  }

  #get(path: string): Promise<unknown> {
    return this.#cluster.inspect("dataplane", path);
  }
}

class ViewReader {
  readonly #cluster: ClusterAccess;
  readonly #byRevision = new Map<number, ViewRecord>();
  #next = 0;

  constructor(cluster: ClusterAccess) {
    this.#cluster = cluster;
  }

  get records(): ViewRecord[] {
    return [...this.#byRevision.values()];
  }

  /** A proxy that was restarted counts from one again; its revisions are greater. */
  async read(): Promise<void> {
    let answer = await this.#get(this.#next);
    if (answer.next < this.#next) answer = await this.#get(0);
    for (const { revision, routes } of answer.views) this.#byRevision.set(revision, { revision, routes });
    this.#next = answer.next;
  }

  async #get(since: number): Promise<{ next: number; views: ViewOfRevision[] }> {
    return (await this.#cluster.inspect("proxy", `/views?since=${since}`)) as {
      next: number;
      views: ViewOfRevision[];
    };
  }
}
