import { createHash } from "node:crypto";
import type { SimulatedCluster } from "./cluster.js";

const MOST_FLOWS = 1_000_000;

/** Everything that happened in a run, as text: every revision of the store, every connection of the data plane. */
export class Recording {
  readonly #cluster: SimulatedCluster;
  readonly #revisions: string[] = [];

  /** Begins with the first revision, whenever it is made. */
  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    const outcome = cluster.storage.watch("", 0, (events) => {
      for (const { type, item } of events) {
        this.#revisions.push(
          `${item.revision} ${type} ${item.key} ${Buffer.from(item.value).toString("utf8")}`,
        );
      }
    });
    if (outcome.kind !== "watching") throw new RangeError("the beginning of the run is already forgotten");
  }

  /** One line for each revision, then one for each flow, in their order. */
  lines(): string[] {
    const flows = this.#cluster.dataPlane.flows.list({}, MOST_FLOWS).map((flow) => JSON.stringify(flow));
    return [...this.#revisions, ...flows];
  }

  hash(): string {
    return createHash("sha256").update(this.lines().join("\n")).digest("hex");
  }
}
