import { BrokenPipe, type OpenFile, ProcessEnded } from "../images/process.js";
import { ByteQueue, toBytes } from "./byte-queue.js";

const CAPACITY_BYTES = 64 * 1024;

/** A kernel pipe: bounded, end of file when its last writer closes, BrokenPipe when its last reader does. */
export class Pipe {
  readonly #queue = new ByteQueue();
  readonly #capacityBytes: number;
  readonly #waiting = new Set<PipeEnd>();
  #readers = 0;
  #writers = 0;

  constructor(capacityBytes: number = CAPACITY_BYTES) {
    this.#capacityBytes = capacityBytes;
  }

  openReader(): PipeEnd {
    this.#readers++;
    return new PipeEnd(this, false);
  }

  openWriter(): PipeEnd {
    this.#writers++;
    return new PipeEnd(this, true);
  }

  async read(end: PipeEnd, limit?: number): Promise<Uint8Array | undefined> {
    for (;;) {
      if (end.closed) throw new ProcessEnded();
      const bytes = this.#queue.take(limit);
      if (bytes) {
        this.#wakeAll();
        return bytes;
      }
      if (this.#writers === 0) return undefined;
      await this.#wait(end);
    }
  }

  async write(end: PipeEnd, bytes: Uint8Array): Promise<void> {
    while (this.#queue.sizeBytes >= this.#capacityBytes && this.#readers > 0 && !end.closed) {
      await this.#wait(end);
    }
    if (end.closed) throw new ProcessEnded();
    if (this.#readers === 0) throw new BrokenPipe();
    this.#queue.push(bytes);
    this.#wakeAll();
  }

  unread(bytes: Uint8Array): void {
    this.#queue.unshift(bytes);
    this.#wakeAll();
  }

  release(end: PipeEnd): void {
    if (end.writes) this.#writers--;
    else this.#readers--;
    this.#wakeAll();
  }

  #wait(end: PipeEnd): Promise<void> {
    this.#waiting.add(end);
    return new Promise((resolve) => end.wakers.push(resolve));
  }

  #wakeAll(): void {
    if (this.#waiting.size === 0) return;
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const end of woken) end.wake();
  }
}

/** One holder's end of a pipe. */
export class PipeEnd implements OpenFile {
  readonly #pipe: Pipe;
  readonly writes: boolean;
  wakers: (() => void)[] = [];
  closed = false;

  constructor(pipe: Pipe, writes: boolean) {
    this.#pipe = pipe;
    this.writes = writes;
  }

  read(limit?: number): Promise<Uint8Array | undefined> {
    return this.writes ? Promise.resolve(undefined) : this.#pipe.read(this, limit);
  }

  unread(bytes: Uint8Array): void {
    this.#pipe.unread(bytes);
  }

  write(content: Uint8Array | string): Promise<void> {
    return this.writes
      ? this.#pipe.write(this, toBytes(content))
      : Promise.reject(new Error("Bad file descriptor"));
  }

  dup(): OpenFile {
    return this.writes ? this.#pipe.openWriter() : this.#pipe.openReader();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#pipe.release(this);
    this.wake();
  }

  wake(): void {
    const wakers = this.wakers;
    this.wakers = [];
    for (const waker of wakers) waker();
  }
}
