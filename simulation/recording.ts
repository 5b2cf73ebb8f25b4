import { createHash } from "node:crypto";
import type { LoadedRow } from "../apiserver/storage/journal.js";
import type { SimulatedCluster } from "./cluster.js";

/** Everything that happened in a run, as text: every revision of the store, every connection of the data plane. */
export class Recording {
  readonly #cluster: SimulatedCluster;
  readonly #revisions: string[] = [];

  /** Begins with the first revision that the disk still has, whenever it is made. */
  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    cluster.world.disk.follow((row) => this.#revisions.push(lineOf(row)));
  }

  /** One line for each revision, then one for each flow, in their order. */
  lines(): string[] {
    return [...this.#revisions, ...this.#cluster.flows().map((flow) => JSON.stringify(flow))];
  }

  hash(): string {
    const hash = createHash("sha256");
    for (const line of this.lines()) hash.update(line).update("\n");
    return hash.digest("hex");
  }
}

function lineOf({ item, deleted }: LoadedRow): string {
  const type = deleted ? "deleted" : item.createRevision === item.revision ? "created" : "updated";
  return `${item.revision} ${type} ${item.key} ${Buffer.from(item.value).toString("utf8")}`;
}
