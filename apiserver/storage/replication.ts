import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { StorageEngine } from "./engine.js";
import { type Journal, noJournal, type Row } from "./journal.js";
import type { KeyValue, Revision, Storage, StorageEvent } from "./storage.js";

/** One line of what a leader tells its replicas. */
export type FeedLine =
  /** The beginning: so many rows of the present state follow, none newer than this. Absent when a feed is resumed. */
  { begin: Revision; rows: number } | { row: WireRow };

interface WireRow {
  key: string;
  /** Stored values are text. */
  value: string;
  revision: Revision;
  created: Revision;
  previous: Revision;
  deleted: boolean;
}

/** A replica that is so far behind starts over. */
const MOST_QUEUED = 200_000;

/**
 * What a store holds, and then every write as it is committed; after `after` only what is newer. Throws RangeError when that
 * history is gone, or was never this store's.
 */
export async function* feed(
  storage: Storage,
  after: Revision | undefined,
  signal: AbortSignal,
): AsyncGenerator<FeedLine> {
  const queue: FeedLine[] = [];
  let wake = (): void => {};
  const from = after ?? storage.revision;
  const outcome = storage.watch("", from, (events) => {
    queue.push(...events.map((event) => ({ row: toWire(event) })));
    wake();
  });
  if (outcome.kind !== "watching") throw new RangeError(`revision ${from} cannot be followed`);
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    if (after === undefined) yield* snapshot(storage, from);
    while (!signal.aborted && queue.length <= MOST_QUEUED) {
      const line = queue.shift();
      if (line) yield line;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    outcome.stop();
  }
}

function* snapshot(storage: Storage, revision: Revision): Generator<FeedLine> {
  const listed = storage.list("", { revision });
  const items = listed.kind === "listed" ? [...listed.items] : [];
  items.sort((a, b) => a.revision - b.revision);
  yield { begin: revision, rows: items.length };
  for (const item of items) yield { row: toWire({ type: "created", item }) };
}

const toWire = ({ type, item, previous }: StorageEvent): WireRow => ({
  key: item.key,
  value: Buffer.from(item.value).toString("utf8"),
  revision: item.revision,
  created: item.createRevision,
  previous: previous?.revision ?? 0,
  deleted: type === "deleted",
});

const fromWire = ({ key, value, revision, created, previous, deleted }: WireRow): Row => ({
  item: { key, value: Buffer.from(value, "utf8"), revision, createRevision: created } satisfies KeyValue,
  previous,
  deleted,
});

export interface ReplicaOptions {
  clock: Clock;
  logger: Logger;
  /** Every write is seen so much later. */
  lagMs: number;
  historyMs: number;
  /** The leader's `feed`. */
  feed: (after: Revision | undefined, signal: AbortSignal) => AsyncIterable<FeedLine>;
}

const RETRY_MS = 200;
/** Rows that may wait for their time; then the feed is no longer read. */
const MOST_WAITING = 100_000;

/** A store that follows another one, some time behind. Nobody may write to it. */
export class Replica {
  readonly storage: StorageEngine;
  readonly #options: ReplicaOptions;
  readonly #waiting: { row: Row; dueMs: number }[] = [];

  private constructor(options: ReplicaOptions, rows: readonly Row[], begin: Revision) {
    this.#options = options;
    this.storage = new StorageEngine({
      journal: loaded(rows, begin, options.clock.nowMs()),
      clock: options.clock,
      logger: options.logger,
      schedule: queueMicrotask,
      historyMs: options.historyMs,
    });
  }

  /** Resolves once it has what the leader had. Rejects when the leader does not answer. */
  static async start(options: ReplicaOptions, signal: AbortSignal): Promise<Replica> {
    const lines = options.feed(undefined, signal)[Symbol.asyncIterator]();
    const first = (await lines.next()).value as FeedLine | undefined;
    if (!first || !("begin" in first)) throw new RangeError("the leader said nothing");
    const rows: Row[] = [];
    while (rows.length < first.rows) {
      const { value, done } = await lines.next();
      if (done || !("row" in value)) throw new RangeError("the leader broke off");
      rows.push(fromWire(value.row));
    }
    await lines.return?.();
    return new Replica(options, rows, first.begin);
  }

  /** Follows until the signal aborts. Rejects with RangeError when the leader no longer has what comes next. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, feed: follow } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const line of follow(this.#newest, signal))
          if ("row" in line) await this.#take(line.row, signal);
      } catch (err) {
        if (signal.aborted) return;
        if (err instanceof RangeError) throw err;
        logger.debug("The leader is away", { err });
      }
      await clock.sleep(RETRY_MS, signal).catch(() => {});
    }
  }

  /** Revisions that were heard of and are not shown yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get #newest(): Revision {
    return this.#waiting.at(-1)?.row.item.revision ?? this.storage.revision;
  }

  async #take(row: WireRow, signal: AbortSignal): Promise<void> {
    const { clock, lagMs } = this.#options;
    this.#waiting.push({ row: fromWire(row), dueMs: clock.monotonicMs() + lagMs });
    if (this.#waiting.length === 1) this.#showLater();
    while (this.#waiting.length >= MOST_WAITING) await clock.sleep(RETRY_MS, signal);
  }

  #showLater(): void {
    const { clock } = this.#options;
    const first = this.#waiting[0];
    if (first) clock.setTimer(Math.max(0, first.dueMs - clock.monotonicMs()), () => this.#show());
  }

  #show(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const due = this.#waiting.findIndex(({ dueMs }) => dueMs > nowMs);
    const rows = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due).map(({ row }) => row);
    if (rows.length > 0) this.storage.replicate(rows, this.#options.clock.nowMs());
    this.#showLater();
  }
}

/** History before the snapshot is the leader's alone. */
const loaded = (rows: readonly Row[], begin: Revision, atMs: number): Journal => ({
  ...noJournal,
  load(each) {
    for (const row of rows) each({ ...row, atMs });
    return begin;
  },
});
