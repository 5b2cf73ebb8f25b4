import type { Rng } from "../machinery/api/rng.js";
import type { Journal, LoadedRow, PruneRange, Row } from "../apiserver/storage/journal.js";
import { prefixEnd } from "../apiserver/storage/key-index.js";
import { type Revision, StorageError, type StorageEvent } from "../apiserver/storage/storage.js";
import type { FaultPoints } from "../machinery/runtime/fault-points.js";

export interface SimulatedDiskOptions {
  rng: Rng;
  /** As the API server's `--durability`: `full` answers a commit once it is synced, `relaxed` once it is written. */
  durability?: "full" | "relaxed";
}

/** What a crash leaves of the commit it strikes. */
type CrashMode = "written" | "torn" | "power-loss";

interface StoreFault {
  full: boolean;
  busy: boolean;
  fsyncMs: { min: number; max: number };
  crash: CrashMode | undefined;
}

type Transaction = readonly LoadedRow[];

/**
 * A disk and the database file on it: what was written, and how much of that is synced. A process that is killed leaves
 * what it wrote; a machine that loses power keeps only what was synced. A transaction is there whole or not at all: one
 * whose last frame is torn fails its checksum and is dropped at the next start.
 */
export class SimulatedDisk {
  readonly #rng: Rng;
  readonly #durability: "full" | "relaxed";
  readonly #synced: LoadedRow[] = [];
  readonly #byRevision = new Map<Revision, LoadedRow>();
  #unsynced: Transaction[] = [];
  #compacted: Revision = 0;
  #owner: object | undefined;
  /** A row whose checksum is wrong. */
  #damaged: LoadedRow | undefined;
  /** Kills the process that owns the file. */
  #killOwner: () => void = () => {};
  readonly #listeners = new Set<(row: LoadedRow) => void>();
  readonly #faults = new Set<Partial<StoreFault>>();

  constructor({ rng, durability = "full" }: SimulatedDiskOptions) {
    this.#rng = rng;
    this.#durability = durability;
  }

  get isOpen(): boolean {
    return this.#owner !== undefined;
  }

  /** The process that had the file open is gone, without a goodbye. */
  ownerEnded(): void {
    this.#owner = undefined;
  }

  /** All that is written, as `cp` would find it. */
  copy(): { rows: readonly LoadedRow[]; compacted: Revision } {
    return { rows: [...this.#rows()], compacted: this.#compacted };
  }

  /** Puts a copy in the file's place. */
  replace({ rows, compacted }: { rows: readonly LoadedRow[]; compacted: Revision }): void {
    this.#synced.splice(0, this.#synced.length, ...rows);
    this.#unsynced = [];
    this.#compacted = compacted;
    this.#damaged = undefined;
    this.#byRevision.clear();
    for (const row of rows) this.#byRevision.set(row.item.revision, row);
  }

  /** A bit of one stored value turns over; the next start finds it by its checksum. */
  damage(draw: number): void {
    const rows = [...this.#rows()];
    this.#damaged = rows[Math.min(rows.length - 1, Math.floor(draw * rows.length))];
    if (!this.#damaged) throw new RangeError("nothing is stored");
  }

  /** Opens the file for one process, as it was left; `kill` ends that process at once. */
  open(kill: () => void): Journal {
    const owner = {};
    this.#owner = owner;
    this.#killOwner = kill;
    const owned = (): void => {
      if (this.#owner !== owner) throw new StorageError("closed", "the file belongs to another process");
    };
    return {
      load: (each) => {
        for (const row of this.#rows()) {
          if (row === this.#damaged) {
            this.ownerEnded();
            throw new StorageError("corrupt", damageOf(row));
          }
          each(row);
        }
        return this.#compacted;
      },
      commit: (rows, atMs, prune) => {
        owned();
        this.#commit(rows, atMs, prune);
      },
      events: (prefix, after, upTo) => this.#events(prefix, after, upTo),
      listAt: (prefix, options) => this.#listAt(prefix, options),
      close: () => {
        this.sync();
        if (this.#owner === owner) this.#owner = undefined;
      },
    };
  }

  /** Every row that is written, from the first; later ones are told as they come. */
  follow(listener: (row: LoadedRow) => void): void {
    for (const row of this.#rows()) listener(row);
    this.#listeners.add(listener);
  }

  sync(): void {
    for (const transaction of this.#unsynced) this.#synced.push(...transaction);
    this.#unsynced = [];
  }

  /** The machine loses power: what is not synced is gone. Whoever has the file open must be killed with it. */
  losePower(): void {
    for (const row of this.#unsynced.flat()) this.#byRevision.delete(row.item.revision);
    this.#unsynced = [];
    this.#owner = undefined;
  }

  /** How long the next commit's fsync takes. */
  nextFsyncMs(): number {
    let sumMs = 0;
    for (const { fsyncMs } of this.#faults)
      if (fsyncMs) sumMs += fsyncMs.min + (fsyncMs.max - fsyncMs.min) * this.#rng.next();
    return sumMs;
  }

  /** The fault point `store` of the API server. */
  defineFaults(points: FaultPoints): void {
    points.define({
      name: "store",
      summary: "the disk is full, busy or slow, or the process dies in the middle of a commit",
      inject: (parameters) => {
        const fault = parseStoreFault(parameters);
        this.#faults.add(fault);
        return () => this.#faults.delete(fault);
      },
    });
  }

  #commit(rows: readonly Row[], atMs: number, prune: PruneRange | undefined): void {
    this.#refuse(rows.length);
    const transaction = rows.map((row) => ({ ...row, atMs }));
    const crash = [...this.#faults].find(({ crash: mode }) => mode !== undefined);
    if (crash?.crash && rows.length > 0) {
      const { crash: mode } = crash;
      crash.crash = undefined;
      this.#crash(transaction, mode);
    }
    this.#write(transaction);
    if (this.#durability === "full") this.sync();
    if (prune) this.#compacted = prune.to;
  }

  #refuse(rows: number): void {
    for (const { busy, full } of this.#faults) {
      if (rows > 0 && full) throw new StorageError("full", "database or disk is full");
      if (busy) throw new StorageError("busy", "database is locked");
    }
  }

  /** Between the write and the answer: what the next start finds depends on how far the write had come. */
  #crash(transaction: Transaction, mode: CrashMode): never {
    const arrived =
      mode === "written" && this.#rng.fork(`crash-${transaction[0]?.item.revision}`).next() < 0.5;
    if (arrived) this.#write(transaction);
    if (mode === "power-loss") this.losePower();
    this.#owner = undefined;
    this.#killOwner();
    throw new StorageError("failed", "the process was killed while it wrote");
  }

  #write(transaction: Transaction): void {
    if (transaction.length === 0) return;
    this.#unsynced.push(transaction);
    for (const row of transaction) {
      this.#byRevision.set(row.item.revision, row);
      for (const listener of this.#listeners) listener(row);
    }
  }

  *#rows(): Generator<LoadedRow> {
    yield* this.#synced;
    for (const transaction of this.#unsynced) yield* transaction;
  }

  #events(prefix: string, after: Revision, upTo: Revision): StorageEvent[] {
    const events: StorageEvent[] = [];
    for (const row of this.#rows())
      if (row.item.revision > after && row.item.revision <= upTo && row.item.key.startsWith(prefix))
        events.push(this.#toEvent(row));
    return events;
  }

  #toEvent({ item, previous, deleted }: LoadedRow): StorageEvent {
    if (item.createRevision === item.revision) return { type: "created", item };
    return {
      type: deleted ? "deleted" : "updated",
      item,
      previous: this.#byRevision.get(previous)?.item ?? item,
    };
  }

  #listAt(
    prefix: string,
    { revision, after, limit }: { revision: Revision; after?: string; limit?: number },
  ): ReturnType<Journal["listAt"]> {
    const end = prefixEnd(prefix);
    const current = new Map<string, LoadedRow>();
    for (const row of this.#rows()) {
      const { key } = row.item;
      if (row.item.revision > revision || key < prefix || (end !== undefined && key >= end)) continue;
      if (after !== undefined && key <= after) continue;
      if (row.deleted) current.delete(key);
      else current.set(key, row);
    }
    const items = [...current.values()].map(({ item }) => item).sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = limit ? items.slice(0, limit) : items;
    return { kind: "listed", items: page, revision, remaining: items.length - page.length };
  }
}

const damageOf = ({ item }: LoadedRow): string =>
  `the database is damaged: revision ${item.revision} of ${item.key} fails its checksum`;

const CRASH_MODES: readonly unknown[] = ["written", "torn", "power-loss"];

function parseStoreFault(parameters: Readonly<Record<string, unknown>>): Partial<StoreFault> {
  const { full, busy, fsyncMs, fsyncMinMs, fsyncMaxMs, crash } = parameters;
  if (crash !== undefined && !CRASH_MODES.includes(crash))
    throw new RangeError(`crash must be one of ${CRASH_MODES.join(", ")}`);
  const min = Number(fsyncMinMs ?? fsyncMs ?? 0);
  const max = Number(fsyncMaxMs ?? fsyncMs ?? 0);
  if (!(min >= 0 && max >= min)) throw new RangeError("fsyncMs must be a number of milliseconds");
  return {
    full: full === true,
    busy: busy === true,
    ...(max > 0 ? { fsyncMs: { min, max } } : {}),
    ...(crash === undefined ? {} : { crash: crash as CrashMode }),
  };
}
