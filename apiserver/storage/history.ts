import { type KeyIndex, keyAfter, prefixEnd } from "./key-index.js";
import type { KeyValue, ListOutcome, Revision, StorageEvent } from "./storage.js";

/** The latest events, oldest first, as far back as the bounds allow. */
export class History {
  readonly #largestCount: number;
  readonly #largestBytes: number;
  #events: StorageEvent[] = [];
  /** Index of the first event that is still kept. */
  #head = 0;
  #bytes = 0;
  #start: Revision;

  constructor(start: Revision, bounds: { events: number; bytes: number }) {
    this.#start = start;
    this.#largestCount = bounds.events;
    this.#largestBytes = bounds.bytes;
  }

  /** Every event after this revision is here. */
  get start(): Revision {
    return this.#start;
  }

  append(events: readonly StorageEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += event.item.value.length;
    }
    while (this.#events.length - this.#head > this.#largestCount || this.#bytes > this.#largestBytes) {
      this.#dropFirst();
    }
    this.#tidy();
  }

  /** Forgets events at or below `revision`. */
  forget(revision: Revision): void {
    if (revision <= this.#start) return;
    const end = this.#firstAfter(revision);
    while (this.#head < end) this.#dropFirst();
    this.#start = revision;
    this.#tidy();
  }

  /** `after` must not be less than `start`. */
  eventsAfter(prefix: string, after: Revision): StorageEvent[] {
    const found: StorageEvent[] = [];
    for (let i = this.#firstAfter(after); i < this.#events.length; i++) {
      const event = this.#events[i] as StorageEvent;
      if (event.item.key.startsWith(prefix)) found.push(event);
    }
    return found;
  }

  #dropFirst(): void {
    const { item } = this.#events[this.#head] as StorageEvent;
    this.#bytes -= item.value.length;
    this.#start = item.revision;
    this.#head++;
  }

  /** Moving the array for every dropped event would cost its whole length each time. */
  #tidy(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#events.length) return;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  #firstAfter(revision: Revision): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as StorageEvent).item.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

interface Page {
  prefix: string;
  after?: string;
  limit?: number;
}

/** A page of what exists now. */
export function listNow(index: KeyIndex, revision: Revision, page: Page): ListOutcome {
  const from = page.after === undefined ? page.prefix : later(page.prefix, keyAfter(page.after));
  const to = prefixEnd(page.prefix);
  const limit = page.limit || Infinity;
  const items = index.page(from, to, limit);
  const remaining = items.length < limit ? 0 : index.countRange(from, to) - items.length;
  return { kind: "listed", items, revision, remaining };
}

/**
 * The same as of an older revision: what exists now, less what came since, with the values from before the events
 * since. Costs the page plus the events.
 */
export function listThen(
  index: KeyIndex,
  since: readonly StorageEvent[],
  revision: Revision,
  page: Page,
): ListOutcome {
  const from = page.after === undefined ? page.prefix : later(page.prefix, keyAfter(page.after));
  const to = prefixEnd(page.prefix);
  const before = new Map<string, KeyValue | undefined>();
  for (const { item, previous } of since) {
    if (item.key >= from && !before.has(item.key)) before.set(item.key, previous);
  }
  const limit = page.limit || Infinity;
  if (before.size === 0) return listNow(index, revision, page);
  const items: KeyValue[] = [];
  let total = index.countRange(from, to);
  for (const [key, then] of before)
    total += Number(then !== undefined) - Number(index.get(key) !== undefined);
  for (const item of merged(index.range(from, to), before)) {
    if (items.length >= limit) break;
    items.push(item);
  }
  return { kind: "listed", items, revision, remaining: total - items.length };
}

/** `current` in order, with keys of `before` replaced by, or added at, their value there. */
function* merged(
  current: Iterable<KeyValue>,
  before: ReadonlyMap<string, KeyValue | undefined>,
): Generator<KeyValue> {
  const changed = [...before.keys()].sort((a, b) => (a < b ? -1 : 1));
  let i = 0;
  for (const item of current) {
    for (; i < changed.length && (changed[i] as string) < item.key; i++) {
      const then = before.get(changed[i] as string);
      if (then) yield then;
    }
    if (!before.has(item.key)) yield item;
  }
  for (; i < changed.length; i++) {
    const then = before.get(changed[i] as string);
    if (then) yield then;
  }
}

const later = (a: string, b: string): string => (a > b ? a : b);
