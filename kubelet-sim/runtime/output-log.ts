import type { ContainerLog, LogLine } from "../container-runtime.js";
import { type OpenFile, ProcessEnded } from "../images/process.js";
import { toBytes } from "./byte-queue.js";

type Stream = "stdout" | "stderr";

interface Chunk {
  atMs: number;
  stream: Stream;
  bytes: Uint8Array;
}

const CHUNK_OVERHEAD_BYTES = 128;
const LARGEST_LAG_BYTES = 256 * 1024;
const LONGEST_LINE_BYTES = 16 * 1024;

/**
 * What a container printed, as raw chunks: lines for logs, bytes for attach. Bounded: the oldest chunks go first, except
 * that writers wait while an attached reader is behind.
 */
export class OutputLog implements ContainerLog {
  readonly #limitBytes: number;
  readonly #now: () => number;
  #chunks: Chunk[] = [];
  /** Sequence number of `#chunks[0]`. */
  #base = 0;
  #sizeBytes = 0;
  #ended = false;
  #waiting: (() => void)[] = [];
  readonly #followers = new Set<OutputFollower>();

  constructor(limitBytes: number, now: () => number) {
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  get end(): number {
    return this.#base + this.#chunks.length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  async append(stream: Stream, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#ended) return;
    this.#chunks.push({ atMs: this.#now(), stream, bytes });
    this.#sizeBytes += bytes.length + CHUNK_OVERHEAD_BYTES;
    while (this.#sizeBytes > this.#limitBytes && this.#chunks.length > 1) this.#dropOldest();
    for (const follower of this.#followers) if (follower.stream === stream) follower.lagBytes += bytes.length;
    this.wake();
    while (!this.#ended && this.#hasLaggard()) await this.wait();
  }

  /** Nothing comes after this; followers end once they have read what is there. */
  finish(): void {
    this.#ended = true;
    this.wake();
  }

  openWriter(stream: Stream, tick: () => Promise<void> | undefined): OpenFile {
    return new LogWriter(this, stream, tick);
  }

  /** Raw bytes of one stream from chunk `from` on. */
  follow(stream: Stream, from: number): OutputFollower {
    const follower = new OutputFollower(this, stream, from);
    for (let i = Math.max(from, this.#base); i < this.end; i++) {
      const chunk = this.chunk(i);
      if (chunk?.stream === stream) follower.lagBytes += chunk.bytes.length;
    }
    this.#followers.add(follower);
    return follower;
  }

  forget(follower: OutputFollower): void {
    this.#followers.delete(follower);
    this.wake();
  }

  async *read(options: { follow: boolean; signal: AbortSignal }): AsyncGenerator<LogLine> {
    const { follow, signal } = options;
    const lines = new LineAssembler();
    const onAbort = (): void => this.wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const stopAt = follow ? Infinity : this.end;
      let at = this.#base;
      for (;;) {
        at = Math.max(at, this.#base);
        const chunk = at < stopAt ? this.chunk(at) : undefined;
        if (chunk) {
          at++;
          yield* lines.add(chunk);
        } else if (!follow || this.#ended || signal.aborted) break;
        else await this.wait();
        if (signal.aborted) return;
      }
      yield* lines.rest();
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  chunk(index: number): Chunk | undefined {
    return this.#chunks[index - this.#base];
  }

  get base(): number {
    return this.#base;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #hasLaggard(): boolean {
    for (const follower of this.#followers) if (follower.lagBytes > LARGEST_LAG_BYTES) return true;
    return false;
  }

  #dropOldest(): void {
    // A tenth at once, so that a full log does not shift its array at every line.
    const target = this.#limitBytes * 0.9;
    let count = 0;
    while (this.#sizeBytes > target && count < this.#chunks.length - 1) {
      this.#sizeBytes -= (this.#chunks[count]?.bytes.length ?? 0) + CHUNK_OVERHEAD_BYTES;
      count++;
    }
    this.#chunks = this.#chunks.slice(count);
    this.#base += count;
  }
}

/** One attached reader of one stream; while it lags, the program waits. */
export class OutputFollower implements AsyncIterable<Uint8Array> {
  readonly stream: Stream;
  lagBytes = 0;
  readonly #log: OutputLog;
  #at: number;
  #closed = false;
  #done: Promise<void> | undefined;

  constructor(log: OutputLog, stream: Stream, from: number) {
    this.#log = log;
    this.stream = stream;
    this.#at = from;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let finish = (): void => {};
    this.#done = new Promise((resolve) => {
      finish = resolve;
    });
    try {
      while (!this.#closed) {
        this.#at = Math.max(this.#at, this.#log.base);
        const chunk = this.#log.chunk(this.#at);
        if (chunk) {
          this.#at++;
          if (chunk.stream !== this.stream) continue;
          yield chunk.bytes;
          this.lagBytes -= chunk.bytes.length;
          this.#log.wake();
        } else if (this.#log.ended) return;
        else await this.#log.wait();
      }
    } finally {
      this.close();
      finish();
    }
  }

  /** Waits until what was begun to be read has been read. */
  async drained(): Promise<void> {
    await this.#done;
  }

  close(): void {
    this.#closed = true;
    this.#log.forget(this);
  }
}

/** Cuts chunks of both streams into lines, each stamped with the time of its last piece. */
class LineAssembler {
  readonly #pending = new Map<Stream, { atMs: number; bytes: Uint8Array }>();

  *add({ atMs, stream, bytes }: Chunk): Generator<LogLine> {
    let rest = bytes;
    const before = this.#pending.get(stream);
    if (before) {
      rest = Buffer.concat([before.bytes, bytes]);
      this.#pending.delete(stream);
    }
    for (let newline = rest.indexOf(10); newline >= 0; newline = rest.indexOf(10)) {
      yield { atMs, stream, text: rest.subarray(0, newline), complete: true };
      rest = rest.subarray(newline + 1);
    }
    while (rest.length >= LONGEST_LINE_BYTES) {
      yield { atMs, stream, text: rest.subarray(0, LONGEST_LINE_BYTES), complete: false };
      rest = rest.subarray(LONGEST_LINE_BYTES);
    }
    if (rest.length > 0) this.#pending.set(stream, { atMs, bytes: rest });
  }

  *rest(): Generator<LogLine> {
    for (const [stream, { atMs, bytes }] of this.#pending)
      yield { atMs, stream, text: bytes, complete: false };
  }
}

class LogWriter implements OpenFile {
  readonly #log: OutputLog;
  readonly #stream: Stream;
  readonly #tick: () => Promise<void> | undefined;
  #closed = false;

  constructor(log: OutputLog, stream: Stream, tick: () => Promise<void> | undefined) {
    this.#log = log;
    this.#stream = stream;
    this.#tick = tick;
  }

  async read(): Promise<Uint8Array | undefined> {
    return undefined;
  }

  unread(): void {}

  async write(content: Uint8Array | string): Promise<void> {
    if (this.#closed) throw new ProcessEnded();
    await this.#log.append(this.#stream, toBytes(content));
    await this.#tick();
  }

  dup(): OpenFile {
    return new LogWriter(this.#log, this.#stream, this.#tick);
  }

  close(): void {
    this.#closed = true;
  }
}
