import type { MessageStream } from "../api/http.js";

/** Messages that may wait unread before a writer has to wait. */
const HIGH_WATER_MESSAGES = 64;

/** Two ends of one message stream in memory: what one writes the other reads. Closing either ends both. */
export function messagePipe(): [MessageStream, MessageStream] {
  const shared = new SharedClose();
  const toRight = new Lane();
  const toLeft = new Lane();
  shared.onClose(() => {
    toRight.end();
    toLeft.end();
  });
  return [new PipeEnd(toLeft, toRight, shared), new PipeEnd(toRight, toLeft, shared)];
}

class SharedClose {
  readonly closed: Promise<void>;
  #resolve = (): void => {};
  #listeners: (() => void)[] = [];

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  onClose(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners = [];
    this.#resolve();
  }
}

/** One direction: a queue that is drained before its end is seen. */
class Lane {
  #queue: Uint8Array[] = [];
  #ended = false;
  #waiting: (() => void)[] = [];

  async write(message: Uint8Array): Promise<void> {
    if (this.#ended) return;
    this.#queue.push(message);
    this.#wake();
    while (this.#queue.length > HIGH_WATER_MESSAGES && !this.#ended) await this.#change();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.#ended) return undefined;
      await this.#change();
    }
    const message = this.#queue.shift();
    this.#wake();
    return message;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

class PipeEnd implements MessageStream {
  readonly #incoming: Lane;
  readonly #outgoing: Lane;
  readonly #shared: SharedClose;

  constructor(incoming: Lane, outgoing: Lane, shared: SharedClose) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#shared = shared;
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#incoming.read();
  }

  write(message: Uint8Array): Promise<void> {
    return this.#outgoing.write(message);
  }

  close(): void {
    this.#shared.close();
  }

  get closed(): Promise<void> {
    return this.#shared.closed;
  }
}
