import type { PruneRange } from "./journal.js";
import type { Revision } from "./storage.js";

/** How finely the age of revisions is remembered, as a part of the time they are kept. */
const GRAINS = 64;
/** A commit forgets this many revisions at least, and more when it writes more, so that forgetting keeps up. */
const SMALLEST_STEP = 256;

/** Decides what to forget with each commit: little at a time, so that no commit is slow for it. */
export class Retention {
  readonly #historyMs: number;
  /** `revision` was the latest at `atMs`, in order of both. */
  readonly #samples: { atMs: number; revision: Revision }[] = [];
  #requested: Revision = 0;

  constructor(historyMs: number) {
    this.#historyMs = historyMs;
  }

  /** Revisions up to this one were written by `atMs`. */
  note(atMs: number, revision: Revision): void {
    const last = this.#samples[this.#samples.length - 1];
    const beforeLast = this.#samples[this.#samples.length - 2];
    if (last && beforeLast && atMs - beforeLast.atMs < this.#historyMs / GRAINS) {
      last.atMs = Math.max(last.atMs, atMs);
      last.revision = revision;
    } else this.#samples.push({ atMs, revision });
  }

  /** Asks to forget all at or below `revision` with the next commit, at once. */
  request(revision: Revision): void {
    this.#requested = Math.max(this.#requested, revision);
  }

  plan(nowMs: number, compacted: Revision, rowCount: number): PruneRange | undefined {
    if (this.#requested > compacted) return { from: compacted, to: this.#requested };
    let aged = this.#samples[0];
    while (aged && aged.revision <= compacted) {
      this.#samples.shift();
      aged = this.#samples[0];
    }
    if (!aged || nowMs - aged.atMs <= this.#historyMs) return undefined;
    const step = Math.max(SMALLEST_STEP, rowCount * 2);
    return { from: compacted, to: Math.min(aged.revision, compacted + step) };
  }
}
