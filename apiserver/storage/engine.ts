import type { Clock } from "../../machinery/api/clock.js";
import type { Logger } from "../../machinery/api/logger.js";
import { Retention } from "./retention.js";
import { History, listNow, listThen } from "./history.js";
import type { Journal, PruneRange, Row } from "./journal.js";
import { KeyIndex, prefixEnd } from "./key-index.js";
import {
  type Companions,
  type CreateOutcome,
  type Deliver,
  type DeleteOutcome,
  type Encode,
  type KeyValue,
  type ListOptions,
  type ListOutcome,
  type Revision,
  type Storage,
  StorageError,
  type StorageEvent,
  type UpdateOutcome,
  type WatchOutcome,
} from "./storage.js";
import { Transaction } from "./transaction.js";
import { WatchHub } from "./watch-hub.js";

export interface EngineOptions {
  journal: Journal;
  clock: Pick<Clock, "nowMs">;
  logger: Logger;
  /** Runs the queue once, later in this turn: what arrives until then shares one transaction. */
  schedule: (run: () => void) => void;
  /** Older revisions are forgotten as writes go on. */
  historyMs: number;
  /** How much of the history stays in memory. */
  window?: { events: number; bytes: number };
  /** After each commit that was tried. */
  onCommit?: (commit: { members: number; rows: number; durationMs: number }) => void;
  monotonicMs?: () => number;
  /** Who hands commits to watches. */
  hub?: WatchHub;
}

const DEFAULT_WINDOW = { events: 20_000, bytes: 64 * 1024 * 1024 };

/** One queued write: what it does in the transaction, and who waits for the outcome. */
interface Member {
  run(transaction: Transaction): void;
  settle(): void;
  fail(err: unknown): void;
}

/** The store behind every kind of persistence: current state, history, watches and group commit. */
export class StorageEngine implements Storage {
  readonly #options: EngineOptions;
  readonly #journal: Journal;
  readonly #index = new KeyIndex();
  readonly #tombstones = new Map<string, Revision>();
  readonly #hub: WatchHub;
  readonly #history: History;
  readonly #retention: Retention;
  #queue: Member[] = [];
  #revision: Revision;
  #compacted: Revision;
  #unhealthy: string | undefined;
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#hub = options.hub ?? new WatchHub();
    this.#journal = options.journal;
    this.#retention = new Retention(options.historyMs);
    let latest = 0;
    this.#compacted = this.#journal.load((row) => {
      this.#applyRow(row);
      latest = row.item.revision;
      this.#retention.note(row.atMs, latest);
    });
    this.#revision = Math.max(latest, this.#compacted);
    this.#history = new History(this.#revision, options.window ?? DEFAULT_WINDOW);
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision {
    return this.#compacted;
  }

  get watchCount(): number {
    return this.#hub.size;
  }

  /** Events handed to watches so far, by the first three parts of the watches' prefixes. */
  get deliveredEvents(): ReadonlyMap<string, number> {
    return this.#hub.delivered;
  }

  get(key: string): KeyValue | undefined {
    return this.#index.get(key);
  }

  list(prefix: string, options: ListOptions = {}): ListOutcome {
    const { revision = this.#revision, ...rest } = options;
    const page = { prefix, ...rest };
    if (revision === this.#revision) return listNow(this.#index, revision, page);
    if (revision > this.#revision) return { kind: "future", revision: this.#revision };
    if (revision < this.#compacted) return { kind: "compacted", compactedRevision: this.#compacted };
    if (revision < this.#history.start) return this.#journal.listAt(prefix, { ...rest, revision });
    return listThen(this.#index, this.#history.eventsAfter(prefix, revision), revision, page);
  }

  count(prefix: string): number {
    return this.#index.countRange(prefix, prefixEnd(prefix));
  }

  create(key: string, encode: Encode, companions?: Companions): Promise<CreateOutcome> {
    return this.#enqueue((transaction) => transaction.create(key, encode, companions));
  }

  update(key: string, encode: Encode, expected: Revision, companions?: Companions): Promise<UpdateOutcome> {
    return this.#enqueue((transaction) => transaction.update(key, encode, expected, companions));
  }

  delete(key: string, encode: Encode, expected: Revision, companions?: Companions): Promise<DeleteOutcome> {
    return this.#enqueue((transaction) => transaction.delete(key, encode, expected, companions));
  }

  watch(prefix: string, after: Revision, deliver: Deliver): WatchOutcome {
    if (after > this.#revision) return { kind: "future", revision: this.#revision };
    const past = this.#eventsAfter(prefix, after);
    if (!past) {
      // Kept history that is too long to replay is answered as if it were gone: the watcher lists anew.
      const compactedRevision = after < this.#compacted ? this.#compacted : this.#history.start;
      return { kind: "compacted", compactedRevision };
    }
    const watcher = this.#hub.add(prefix, deliver);
    if (past.length > 0) deliver(past);
    return { kind: "watching", stop: () => watcher.stop() };
  }

  /** Takes writes that another store has committed, in the order of their revisions: for a store that nobody else writes. */
  replicate(rows: readonly Row[], atMs: number): void {
    const events = rows.map((row) => {
      const previous = this.#index.get(row.item.key);
      this.#applyRow(row);
      this.#revision = row.item.revision;
      return eventOf(row, previous);
    });
    this.#history.append(events);
    this.#retention.note(atMs, this.#revision);
    const prune = this.#retention.plan(atMs, this.#compacted, rows.length);
    if (prune) this.#forget(prune);
    this.#hub.publish(events);
  }

  async compact(revision: Revision): Promise<void> {
    await this.#enqueue((transaction) => this.#retention.request(Math.min(revision, transaction.revision)));
  }

  health(): string | undefined {
    return this.#unhealthy;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    this.#hub.clear();
    this.#journal.close();
  }

  #eventsAfter(prefix: string, after: Revision): StorageEvent[] | undefined {
    if (after < this.#compacted) return undefined;
    const { start } = this.#history;
    if (after >= start) return this.#history.eventsAfter(prefix, after);
    const older = this.#journal.events(prefix, after, start);
    return older && [...older, ...this.#history.eventsAfter(prefix, start)];
  }

  #enqueue<T>(operation: (transaction: Transaction) => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StorageError("closed", "the storage is closed"));
    return new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { err: unknown };
      if (this.#queue.length === 0) this.#options.schedule(() => this.#commit());
      this.#queue.push({
        run(transaction) {
          try {
            outcome = { value: operation(transaction) };
          } catch (err) {
            outcome = { err };
          }
        },
        settle: () => ("err" in outcome ? reject(outcome.err) : resolve(outcome.value)),
        fail: reject,
      });
    });
  }

  /** Runs the queue in one transaction. Memory, watches and answers change only after it. */
  #commit(): void {
    const members = this.#queue;
    if (members.length === 0) return;
    this.#queue = [];
    const { clock, monotonicMs = () => 0, onCommit } = this.#options;
    const startedMs = monotonicMs();
    const transaction = new Transaction(this.#index, this.#tombstones, this.#revision);
    for (const member of members) member.run(transaction);
    const nowMs = clock.nowMs();
    const prune = this.#retention.plan(nowMs, this.#compacted, transaction.rows.length);
    try {
      if (transaction.rows.length > 0 || prune) this.#journal.commit(transaction.rows, nowMs, prune);
    } catch (err) {
      return this.#onFailure(members, err);
    }
    this.#unhealthy = undefined;
    this.#apply(transaction, nowMs);
    if (prune) this.#forget(prune);
    for (const member of members) member.settle();
    this.#hub.publish(transaction.events);
    onCommit?.({
      members: members.length,
      rows: transaction.rows.length,
      durationMs: monotonicMs() - startedMs,
    });
  }

  #onFailure(members: readonly Member[], err: unknown): void {
    const failure = err instanceof StorageError ? err : new StorageError("failed", String(err));
    this.#unhealthy = failure.message;
    this.#options.logger.error("Commit failed", { err, writes: members.length });
    for (const member of members) member.fail(failure);
  }

  #apply(transaction: Transaction, nowMs: number): void {
    for (const row of transaction.rows) this.#applyRow(row);
    this.#revision = transaction.revision;
    this.#history.append(transaction.events);
    if (transaction.rows.length > 0) this.#retention.note(nowMs, transaction.revision);
  }

  #applyRow({ item, deleted }: Row): void {
    // Deleted first, so that the map stays in the order of revisions.
    this.#tombstones.delete(item.key);
    if (!deleted) return this.#index.set(item);
    this.#index.delete(item.key);
    this.#tombstones.set(item.key, item.revision);
  }

  #forget({ to }: PruneRange): void {
    this.#compacted = to;
    this.#history.forget(to);
    for (const [key, revision] of this.#tombstones) {
      if (revision > to) break;
      this.#tombstones.delete(key);
    }
  }
}

function eventOf({ item, deleted }: Row, previous: KeyValue | undefined): StorageEvent {
  if (!previous) return { type: "created", item };
  return { type: deleted ? "deleted" : "updated", item, previous };
}
