import { createHash } from "node:crypto";
import { FaultParameters } from "../../machinery/runtime/fault-parameters.js";
import type { ProgramTransaction, TableUpdate } from "./table.js";

/** Rules that a proxy writes and a kernel does not take: what a lock that was not held, or a failed batch, leaves behind. */
export class ProgrammingFaults {
  readonly #partial = new Set<{ salt: string; percent: number }>();
  #keepingConntrack = 0;

  /** A proxy that no longer deletes stale UDP entries. */
  get keepsConntrack(): boolean {
    return this.#keepingConntrack > 0;
  }

  keepConntrack(): () => void {
    this.#keepingConntrack += 1;
    return () => {
      this.#keepingConntrack -= 1;
    };
  }

  /** The rules of a share of all service ports stay as they are. Throws RangeError. */
  writePartly(values: Readonly<Record<string, unknown>>): () => void {
    const read = new FaultParameters(values, ["percent", "salt"]);
    const fault = { percent: read.percent("percent"), salt: read.text("salt") ?? "" };
    this.#partial.add(fault);
    return () => this.#partial.delete(fault);
  }

  /** What of a transaction takes effect. */
  taken(transaction: ProgramTransaction): ProgramTransaction {
    if (this.#partial.size === 0 || !transaction.tables) return transaction;
    return { ...transaction, tables: transaction.tables.map((update) => this.#part(update)) };
  }

  #part(update: TableUpdate): TableUpdate {
    if (update.adopt) return update;
    return {
      ...update,
      set: update.set.filter(({ servicePort }) => !this.#isKept(servicePort)),
      remove: update.remove.filter((servicePort) => !this.#isKept(servicePort)),
    };
  }

  /** Always the same service ports during one fault. */
  #isKept(servicePort: string): boolean {
    return [...this.#partial].some(({ salt, percent }) => shareOf(`${salt} ${servicePort}`) < percent);
  }
}

/** 0 to 100, evenly spread over texts. */
const shareOf = (text: string): number =>
  (createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32) * 100;
