import { Duplex } from "node:stream";
import { type Connection, ConnectionError, type ConnectionErrorReason } from "../network.js";

/** What Node.js' own HTTP and TLS code expects in `err.code` where a virtual connection failed. */
const CODES: Readonly<Record<ConnectionErrorReason, string>> = {
  refused: "ECONNREFUSED",
  unreachable: "EHOSTUNREACH",
  "timed-out": "ETIMEDOUT",
  reset: "ECONNRESET",
  "address-in-use": "EADDRINUSE",
  aborted: "ECONNABORTED",
};

/**
 * A virtual connection in the shape that node:http, node:tls and ws take for a socket. Destroying it resets the
 * connection; ending it half-closes.
 */
export class ConnectionDuplex extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteFamily = "IPv4";
  readonly #connection: Connection;
  #reading = false;
  #ended = false;

  constructor(connection: Connection) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    this.remoteAddress = connection.remote.ip;
    this.remotePort = connection.remote.port;
    this.localAddress = connection.local.ip;
    this.localPort = connection.local.port;
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#connection.read().then(
      (bytes) => {
        this.#reading = false;
        if (bytes === undefined) this.#ended = true;
        this.push(bytes ?? null);
      },
      (err: unknown) => this.destroy(toSystemError(err)),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (err?: Error | null) => void): void {
    this.#connection.write(chunk).then(
      () => done(),
      (err: unknown) => done(toSystemError(err)),
    );
  }

  override _final(done: (err?: Error | null) => void): void {
    this.#connection.end();
    done();
  }

  override _destroy(err: Error | null, done: (err?: Error | null) => void): void {
    // Both directions already at their end is an orderly close; anything else tells the peer by a reset.
    if (err || !this.#ended || !this.writableFinished) this.#connection.reset();
    done(err);
  }

  // The parts of net.Socket that node:http calls on whatever it was given.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function toSystemError(err: unknown): Error {
  if (!(err instanceof ConnectionError)) return err instanceof Error ? err : new Error(String(err));
  return Object.assign(new Error(err.message, { cause: err }), { code: CODES[err.reason] });
}
