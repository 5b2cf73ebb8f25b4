import type { Timer } from "../machinery/api/clock.js";

/** One timer: due at an instant, in the order of setting. */
class Entry implements Timer {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it has fired or was cancelled. */
  fire: (() => void) | undefined;
  readonly #heap: TimerHeap;

  constructor(heap: TimerHeap, atMs: number, order: number, fire: () => void) {
    this.#heap = heap;
    this.atMs = atMs;
    this.order = order;
    this.fire = fire;
  }

  cancel(): void {
    if (!this.fire) return;
    this.fire = undefined;
    this.#heap.cancelled();
  }
}

/** A binary heap by time, then by the order of setting. Cancelled entries stay until they come to the top. */
export class TimerHeap {
  readonly #heap: Entry[] = [];
  #order = 0;
  #live = 0;

  get size(): number {
    return this.#live;
  }

  get nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  add(atMs: number, fire: () => void): Timer {
    const entry = new Entry(this, atMs, this.#order++, fire);
    this.#heap.push(entry);
    this.#live++;
    this.#up(entry, this.#heap.length - 1);
    return entry;
  }

  /** An entry's own business. */
  cancelled(): void {
    this.#live--;
  }

  /** Fires every entry due at `nowMs` that was set before this call; one cancelled by an earlier one does not fire. */
  fireDue(nowMs: number): void {
    const lastOrder = this.#order;
    for (;;) {
      this.#dropCancelled();
      const top = this.#heap[0];
      if (!top || top.atMs > nowMs || top.order >= lastOrder) return;
      this.#pop();
      const fire = top.fire;
      top.fire = undefined;
      this.#live--;
      fire?.();
    }
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && !this.#heap[0]?.fire) this.#pop();
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) this.#down(last);
  }

  /** Moves the hole at `start` up to where the entry belongs. */
  #up(entry: Entry, start: number): void {
    const heap = this.#heap;
    let i = start;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }

  /** Moves the hole at the top down to where the entry belongs. */
  #down(entry: Entry): void {
    const heap = this.#heap;
    const size = heap.length;
    let i = 0;
    for (let child = 1; child < size; child = 2 * i + 1) {
      let least = heap[child] as Entry;
      const right = child + 1 < size ? (heap[child + 1] as Entry) : undefined;
      if (right && isBefore(right, least)) {
        least = right;
        child++;
      }
      if (!isBefore(least, entry)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = entry;
  }
}

const isBefore = (left: Entry, right: Entry): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
