import type { Clock } from "../../machinery/api/clock.js";
import { type Logger, silentLogger } from "../../machinery/api/logger.js";
import { StorageEngine } from "./engine.js";
import { noJournal } from "./journal.js";

export interface MemoryStorageOptions {
  /** Needed to forget history by age; without it all is kept. */
  clock?: Pick<Clock, "nowMs">;
  historyMs?: number;
  logger?: Logger;
  schedule?: (run: () => void) => void;
}

/** A store that ends with its process, for simulations and tests. */
export const memoryStorage = (options: MemoryStorageOptions = {}): StorageEngine =>
  new StorageEngine({
    journal: noJournal,
    clock: options.clock ?? { nowMs: () => 0 },
    logger: options.logger ?? silentLogger,
    schedule: options.schedule ?? queueMicrotask,
    historyMs: options.historyMs ?? Infinity,
    window: { events: Infinity, bytes: Infinity },
  });
