import type { Clock } from "../machinery/api/clock.js";
import { TransportError } from "../machinery/api/http.js";
import type { SkewableClock } from "../machinery/runtime/skewable-clock.js";

export interface WireStreamOptions {
  body: AsyncIterable<Uint8Array>;
  master: Clock;
  /** Of the reader. */
  clock: SkewableClock;
  latency: () => number;
  /** The reader is done, or the stream has ended or failed. */
  onClose: () => void;
}

/** The producer waits while so many bytes are under way or unread, as TCP's windows make it. */
const WINDOW_BYTES = 1024 * 1024;

type Step = IteratorResult<Uint8Array, undefined>;
interface Reader {
  resolve(step: Step): void;
  reject(err: unknown): void;
}

/** The frames of a streamed answer as they arrive: in order, each after its own time under way. */
export class WireStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #options: WireStreamOptions;
  readonly #arrived: Uint8Array[] = [];
  #lastArrivalMs = 0;
  #openBytes = 0;
  #windowOpens: (() => void) | undefined;
  #reader: Reader | undefined;
  #end: { error: unknown } | "ended" | undefined;
  #closed = false;

  constructor(options: WireStreamOptions) {
    this.#options = options;
    this.#pump().catch((err: unknown) =>
      this.#underWay(() =>
        this.#finish({ error: new TransportError("the server ended the connection", { cause: err }) }),
      ),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const frame = this.#arrived.shift();
    if (frame) {
      this.#consumed(frame);
      return Promise.resolve({ done: false, value: frame });
    }
    if (this.#end === "ended") return Promise.resolve({ done: true, value: undefined });
    if (this.#end) return Promise.reject(this.#end.error as Error);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<Step> {
    this.#finish("ended");
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The reader's own signal: it reads no more, whatever has arrived. */
  abort(reason: unknown): void {
    this.#arrived.length = 0;
    this.#finish({ error: reason });
  }

  /** The server is gone; what it had sent still arrives before that is known. */
  fail(error: unknown): void {
    this.#underWay(() => this.#finish({ error }));
  }

  async #pump(): Promise<void> {
    const iterator = this.#options.body[Symbol.asyncIterator]();
    for (;;) {
      const step = await iterator.next();
      if (step.done || this.#closed) break;
      const frame = step.value;
      this.#openBytes += frame.length;
      this.#underWay(() => this.#arrive(frame));
      if (this.#openBytes > WINDOW_BYTES)
        await new Promise<void>((resolve) => {
          this.#windowOpens = resolve;
        });
    }
    if (this.#closed) iterator.return?.().catch(() => {});
    else this.#underWay(() => this.#finish("ended"));
  }

  #underWay(arrive: () => void): void {
    const { master, clock, latency } = this.#options;
    const nowMs = master.monotonicMs();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + latency());
    master.setTimer(this.#lastArrivalMs - nowMs, () => clock.deliver(arrive));
  }

  #arrive(frame: Uint8Array): void {
    if (this.#end) return;
    const reader = this.#reader;
    if (!reader) {
      this.#arrived.push(frame);
      return;
    }
    this.#reader = undefined;
    this.#consumed(frame);
    reader.resolve({ done: false, value: frame });
  }

  #consumed(frame: Uint8Array): void {
    this.#openBytes -= frame.length;
    if (!this.#windowOpens || this.#openBytes > WINDOW_BYTES) return;
    this.#windowOpens();
    this.#windowOpens = undefined;
  }

  #finish(end: { error: unknown } | "ended"): void {
    if (this.#end) return;
    this.#end = end;
    this.#closed = true;
    const reader = this.#reader;
    this.#reader = undefined;
    if (end === "ended") reader?.resolve({ done: true, value: undefined });
    else reader?.reject(end.error);
    this.#windowOpens?.();
    this.#options.onClose();
  }
}
