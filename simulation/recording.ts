import { createHash, type Hash } from "node:crypto";
import type { LoadedRow } from "../apiserver/storage/journal.js";
import type { SimulatedCluster } from "./cluster.js";

/** Everything that happened in a run, as text: every revision of the store, every connection of the data plane. */
export class Recording {
  readonly #cluster: SimulatedCluster;
  readonly #rows: LoadedRow[] = [];

  /** Begins with the first revision that the disk still has, whenever it is made. */
  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    cluster.world.disk.follow((row) => this.#rows.push(row));
  }

  /** One line for each revision, then one for each flow, in their order. */
  lines(): string[] {
    const revisions = this.#rows.map((row) => headOf(row) + Buffer.from(row.item.value).toString("utf8"));
    return [...revisions, ...this.#cluster.flows().map((flow) => JSON.stringify(flow))];
  }

  /** SHA-256 of the lines, and of what else belongs to the history. */
  hash(...more: readonly unknown[]): string {
    const hash = createHash("sha256");
    for (const row of this.#rows) hash.update(headOf(row)).update(row.item.value).update("\n");
    for (const entry of [...this.#cluster.flows(), ...more]) addLine(hash, entry);
    return hash.digest("hex");
  }
}

function addLine(hash: Hash, entry: unknown): void {
  hash.update(JSON.stringify(entry) ?? "").update("\n");
}

function headOf({ item, deleted }: LoadedRow): string {
  const type = deleted ? "deleted" : item.createRevision === item.revision ? "created" : "updated";
  return `${item.revision} ${type} ${item.key} `;
}
