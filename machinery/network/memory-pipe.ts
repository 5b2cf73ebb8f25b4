import type { Clock } from "../api/clock.js";
import { type Connection, ConnectionError, type SocketAddress } from "./network.js";

/**
 * Milliseconds the next packet takes; 0 arrives with the microtasks, Infinity means lost (it is sent again). `bytes` is 0 for
 * a FIN, and absent for what carries none and is part of no stream (handshakes, resets, what is sent again).
 */
export type Latency = (bytes?: number) => number;

/** A connection whose owner can fall silent: the peer hears neither FIN nor RST, as when a machine loses power. */
export interface OwnedConnection extends Connection {
  vanish(): void;
}

export interface PipeOptions {
  clock: Clock;
  /** The two ends, each with the addresses it sees: they differ when a NAT lies between. */
  near: { local: SocketAddress; remote: SocketAddress };
  far: { local: SocketAddress; remote: SocketAddress };
  /** From near to far, and back. Default: no latency. */
  forth?: Latency;
  back?: Latency;
  /** A write waits while this many bytes are under way or unread. */
  bufferBytes?: number;
}

const DEFAULT_BUFFER_BYTES = 64 * 1024;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 120_000;
/** Linux' tcp_retries2: after so many attempts the connection is given up. */
const MOST_RETRIES = 15;

const noLatency: Latency = () => 0;

/** A TCP connection in memory: ordered, bounded, with half-close, reset and a latency for each packet. */
export function connectionPair(options: PipeOptions): [OwnedConnection, OwnedConnection] {
  const { clock, near, far, bufferBytes = DEFAULT_BUFFER_BYTES } = options;
  const forth = new Lane(clock, options.forth ?? noLatency, bufferBytes);
  const back = new Lane(clock, options.back ?? noLatency, bufferBytes);
  return [new PipeEnd(near, forth, back), new PipeEnd(far, back, forth)];
}

/** Made when somebody is told: most connections that are reset have no reader left, and an error is dear. */
type Reason = () => ConnectionError;

/** `data` carries bytes, the others are FIN and RST. */
type Packet = Uint8Array | "end" | "reset";

interface Waiter<T> {
  resolve(value: T): void;
  reject(err: Error): void;
}

/** One direction: what was written on one side arrives, in order, on the other. */
class Lane {
  /** Called when FIN, RST or giving up reaches the receiver. */
  onEnd: () => void = () => {};
  onReset: (reason: Reason) => void = () => {};
  /** The sender's end, which learns that the lane was given up. */
  onGivenUp: (reason: Reason) => void = () => {};

  readonly #clock: Clock;
  readonly #latency: Latency;
  readonly #limit: number;
  readonly #underWay: Packet[] = [];
  readonly #arrived: Uint8Array[] = [];
  readonly #writers: Waiter<void>[] = [];
  #reader: Waiter<Uint8Array | undefined> | undefined;
  #unreadBytes = 0;
  #lastArrivalMs = 0;
  #timersPending = 0;
  #ended = false;
  #failure: Reason | undefined;
  #silent = false;

  constructor(clock: Clock, latency: Latency, limit: number) {
    this.#clock = clock;
    this.#latency = latency;
    this.#limit = limit;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure());
    if (bytes.length === 0) return Promise.resolve();
    this.#unreadBytes += bytes.length;
    this.send(bytes);
    if (this.#unreadBytes < this.#limit) return Promise.resolve();
    return new Promise((resolve, reject) => this.#writers.push({ resolve, reject }));
  }

  send(packet: Packet): void {
    this.#underWay.push(packet);
    this.#schedule(0, packet === "reset" ? undefined : packet === "end" ? 0 : packet.length);
  }

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#arrived.shift();
    if (chunk) {
      this.#consumed(chunk.length);
      return Promise.resolve(chunk);
    }
    if (this.#failure) return Promise.reject(this.#failure());
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#reader) return Promise.reject(new TypeError("one reader at a time"));
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Nothing arrives any more; whoever waits is told. Bytes that already arrived can still be read. */
  fail(reason: Reason): void {
    if (this.#failure) return;
    this.#failure = reason;
    this.#underWay.length = 0;
    this.#reader?.reject(reason());
    this.#reader = undefined;
    for (const writer of this.#writers.splice(0)) writer.reject(reason());
  }

  /** From now on every packet is lost, until the sender gives up. Who waits for one waits on, until that or a reset. */
  silence(): void {
    this.#silent = true;
    if (this.#underWay.length > 0) this.#retry(0);
  }

  /** The receiver is no more: nobody is told anything. */
  forgetReader(): void {
    this.#reader = undefined;
  }

  #schedule(attempt: number, bytes?: number): void {
    const latencyMs = this.#silent ? Number.POSITIVE_INFINITY : this.#latency(bytes);
    if (latencyMs === Number.POSITIVE_INFINITY) return this.#retry(attempt);
    if (latencyMs <= 0 && this.#timersPending === 0) return queueMicrotask(() => this.#arrive());
    const nowMs = this.#clock.monotonicMs();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, nowMs + latencyMs);
    this.#timersPending += 1;
    this.#clock.setTimer(this.#lastArrivalMs - nowMs, () => {
      this.#timersPending -= 1;
      this.#arrive();
    });
  }

  #retry(attempt: number): void {
    if (attempt >= MOST_RETRIES) {
      const reason = (): ConnectionError => new ConnectionError("timed-out");
      this.fail(reason);
      this.onGivenUp(reason);
      return;
    }
    const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
    this.#clock.setTimer(waitMs, () => {
      if (this.#underWay.length > 0) this.#schedule(attempt + 1);
    });
  }

  /** Always the oldest packet, whichever timer fired: the order of a stream does not depend on its latencies. */
  #arrive(): void {
    if (this.#silent || this.#failure) return;
    const packet = this.#underWay.shift();
    if (packet === undefined) return;
    if (packet === "end") {
      this.#ended = true;
      this.#reader?.resolve(undefined);
      this.#reader = undefined;
      this.onEnd();
    } else if (packet === "reset") {
      const reason = (): ConnectionError => new ConnectionError("reset", "connection reset by peer");
      this.fail(reason);
      this.onReset(reason);
    } else this.#receive(packet);
  }

  #receive(bytes: Uint8Array): void {
    const reader = this.#reader;
    if (!reader) {
      this.#arrived.push(bytes);
      return;
    }
    this.#reader = undefined;
    this.#consumed(bytes.length);
    reader.resolve(bytes);
  }

  #consumed(bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#unreadBytes < this.#limit) for (const writer of this.#writers.splice(0)) writer.resolve();
  }
}

class PipeEnd implements OwnedConnection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly closed: Promise<void>;
  readonly #out: Lane;
  readonly #in: Lane;
  #close: () => void = () => {};
  #sentEnd = false;
  #receivedEnd = false;
  #dead = false;
  #vanished = false;

  constructor(addresses: { local: SocketAddress; remote: SocketAddress }, out: Lane, into: Lane) {
    this.local = addresses.local;
    this.remote = addresses.remote;
    this.#out = out;
    this.#in = into;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
    into.onEnd = () => {
      this.#receivedEnd = true;
      this.#closeWhenBothEnded();
    };
    into.onReset = (reason) => this.#die(reason);
    out.onGivenUp = (reason) => this.#die(reason);
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#in.read();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#vanished) return new Promise(() => {});
    if (this.#sentEnd) return Promise.reject(new ConnectionError("reset", "write after end"));
    return this.#out.write(bytes);
  }

  end(): void {
    if (this.#sentEnd || this.#dead) return;
    this.#sentEnd = true;
    this.#out.send("end");
    this.#closeWhenBothEnded();
  }

  reset(): void {
    if (this.#dead || (this.#sentEnd && this.#receivedEnd)) return;
    this.#out.send("reset");
    this.#sentEnd = true;
    this.#dead = true;
    this.#in.fail(() => new ConnectionError("reset", "connection was reset here"));
    this.#close();
  }

  vanish(): void {
    this.#out.silence();
    this.#in.silence();
    this.#in.forgetReader();
    this.#vanished = true;
    this.#dead = true;
    this.#close();
  }

  #die(reason: Reason): void {
    this.#dead = true;
    this.#out.fail(reason);
    this.#in.fail(reason);
    this.#close();
  }

  #closeWhenBothEnded(): void {
    if (this.#sentEnd && this.#receivedEnd) this.#close();
  }
}
