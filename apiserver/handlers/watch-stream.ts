/** How many frames may wait for a slow watcher before its stream is ended. */
export const WATCH_BUFFER_FRAMES = 10_000;
/** Waiting frames are handed over together, up to about this size. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The body of a watch: frames in order, ended by either side. A consumer that falls too far behind is ended, never fed
 * with gaps; it resumes from its last resourceVersion.
 */
export class WatchStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #onEnd: () => void;
  /** Frames that exist already when the watch starts, made as they are read. */
  readonly #initial: Iterator<Uint8Array>;
  #initialDone = false;
  #queue: Uint8Array[] = [];
  #ended = false;
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | undefined;

  constructor(initial: Iterable<Uint8Array>, onEnd: () => void) {
    this.#initial = initial[Symbol.iterator]();
    this.#onEnd = onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False when the watcher was too slow and its stream has ended. */
  push(frame: Uint8Array): boolean {
    if (this.#ended) return false;
    this.#queue.push(frame);
    if (this.#waiting) this.#flush();
    else if (this.#queue.length > WATCH_BUFFER_FRAMES) {
      this.#queue = [];
      this.end();
      return false;
    }
    return true;
  }

  /** What waits is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#nextChunk();
    if (chunk) return Promise.resolve({ done: false, value: chunk });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#queue = [];
    this.#initialDone = true;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #flush(): void {
    const chunk = this.#nextChunk();
    if (!chunk) return;
    this.#waiting?.({ done: false, value: chunk });
    this.#waiting = undefined;
  }

  #nextChunk(): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < CHUNK_BYTES && !this.#initialDone) {
      const { done, value } = this.#initial.next();
      if (done) this.#initialDone = true;
      else bytes += parts.push(value) && value.length;
    }
    let taken = 0;
    while (bytes < CHUNK_BYTES && taken < this.#queue.length) {
      const frame = this.#queue[taken++] as Uint8Array;
      parts.push(frame);
      bytes += frame.length;
    }
    if (taken > 0) this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    return parts.length < 2 ? parts[0] : Buffer.concat(parts);
  }
}
