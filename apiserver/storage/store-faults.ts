import type { Clock } from "../../machinery/api/clock.js";
import type { Rng } from "../../machinery/api/rng.js";
import { ActiveFaults } from "../../machinery/runtime/active-faults.js";
import { FaultParameters } from "../../machinery/runtime/fault-parameters.js";
import type { FaultPoints } from "../../machinery/runtime/fault-points.js";
import type { Journal, Row } from "./journal.js";
import { type Storage, StorageError } from "./storage.js";

/** What is wrong with the file, or the disk under it. */
export interface StoreFault {
  /** Writes that need another page fail as on a full disk. */
  full: boolean;
  /** Every commit is refused: somebody else holds the lock. */
  busy: boolean;
  /** Commits wait so long in their queue, as for a slow fsync. */
  fsyncMinMs: number;
  fsyncMaxMs: number;
  /** The process dies within its next commit: `torn` before it is written whole, `written` after it and before it is answered. */
  crash: "torn" | "written" | undefined;
}

export function parseStoreFault(values: Readonly<Record<string, unknown>>): StoreFault {
  const read = new FaultParameters(values, ["full", "busy", "fsyncMs", "fsyncMinMs", "fsyncMaxMs", "crash"]);
  const fsyncMs = read.number("fsyncMs");
  return {
    full: read.flag("full"),
    busy: read.flag("busy"),
    fsyncMinMs: read.number("fsyncMinMs") || fsyncMs,
    fsyncMaxMs: read.number("fsyncMaxMs") || fsyncMs,
    crash: read.oneOf("crash", ["torn", "written"]),
  };
}

/** What a real file lets a fault do to it. */
export interface BreakableFile {
  /** No page more than there are now; or as many as SQLite can address. */
  limitPages(limited: boolean): void;
  /** Writes some of the rows and leaves the transaction open. */
  writePart(rows: readonly Row[], atMs: number): void;
}

/** The store of a live API server, made to fail above SQLite: what lies below it is broken in simulation only. */
export class StoreFaults {
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #schedule: (run: () => void) => void;
  readonly #crash: () => never;
  readonly #active = new ActiveFaults<StoreFault>();
  #file: BreakableFile | undefined;

  /** `crash` ends the process at once (SIGKILL); `schedule` is what commits wait for when all is well. */
  constructor(options: { clock: Clock; rng: Rng; schedule: (run: () => void) => void; crash: () => never }) {
    this.#clock = options.clock;
    this.#rng = options.rng;
    this.#schedule = options.schedule;
    this.#crash = options.crash;
  }

  define(points: FaultPoints): void {
    points.define({
      name: "store",
      summary: "the store is full, busy or slow, or the process dies in the middle of a commit",
      inject: (parameters) => {
        const fault = parseStoreFault(parameters);
        const remove = this.#active.add(fault);
        if (!fault.full) return remove;
        this.#file?.limitPages(true);
        return () => {
          remove();
          if (!this.#active.find(({ full }) => full)) this.#file?.limitPages(false);
        };
      },
    });
  }

  /** When the queue of commits is run. */
  readonly schedule = (run: () => void): void => {
    const fault = this.#active.find(({ fsyncMaxMs }) => fsyncMaxMs > 0);
    if (!fault) return this.#schedule(run);
    const { fsyncMinMs, fsyncMaxMs } = fault;
    this.#clock.setTimer(fsyncMinMs + this.#rng.next() * (fsyncMaxMs - fsyncMinMs), run);
  };

  wrap(inner: Journal, file: BreakableFile): Journal {
    this.#file = file;
    return {
      load: (each) => inner.load(each),
      commit: (rows, atMs, prune) => {
        if (this.#active.find(({ busy }) => busy)) throw new StorageError("busy", "database is locked");
        const crash =
          rows.length > 0 ? this.#active.find((fault) => fault.crash !== undefined)?.crash : undefined;
        if (crash === "torn") {
          file.writePart(rows.slice(0, Math.ceil(rows.length / 2)), atMs);
          this.#crash();
        }
        inner.commit(rows, atMs, prune);
        if (crash === "written") this.#crash();
      },
      events: (...range) => inner.events(...range),
      listAt: (...at) => inner.listAt(...at),
      close: () => inner.close(),
    };
  }
}

/** Everything but the present is forgotten, at once. Nothing is undone: history does not come back. */
export function defineCompaction(points: FaultPoints, storage: Pick<Storage, "compact" | "revision">): void {
  points.define({
    name: "compact",
    summary: "history is compacted now: old revisions answer 410",
    inject() {
      void storage.compact(storage.revision).catch(() => {});
      return () => {};
    },
  });
}
