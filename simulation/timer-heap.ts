import type { Timer } from "../machinery/api/clock.js";

interface Entry {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | undefined;
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
    const entry: Entry = { atMs, order: this.#order++, fire };
    this.#heap.push(entry);
    this.#live++;
    this.#up(this.#heap.length - 1);
    return {
      cancel: () => {
        if (!entry.fire) return;
        entry.fire = undefined;
        this.#live--;
      },
    };
  }

  /** Takes every entry due at `nowMs`, lazily: one cancelled by an earlier one of the same instant does not fire. */
  *takeDue(nowMs: number): Generator<() => void> {
    const lastOrder = this.#order;
    for (;;) {
      this.#dropCancelled();
      const top = this.#heap[0];
      if (!top || top.atMs > nowMs || top.order >= lastOrder) return;
      this.#pop();
      const fire = top.fire;
      top.fire = undefined;
      this.#live--;
      if (fire) yield fire;
    }
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && !this.#heap[0]?.fire) this.#pop();
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
  }

  #up(start: number): void {
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #down(start: number): void {
    let i = start;
    for (;;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < this.#heap.length && this.#before(left, least)) least = left;
      if (left + 1 < this.#heap.length && this.#before(left + 1, least)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a] as Entry;
    const right = this.#heap[b] as Entry;
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const entry = this.#heap[a] as Entry;
    this.#heap[a] = this.#heap[b] as Entry;
    this.#heap[b] = entry;
  }
}
