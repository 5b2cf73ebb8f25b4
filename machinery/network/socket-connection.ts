import type { Socket } from "node:net";
import type { OwnedConnection } from "./memory-pipe.js";
import { ConnectionError, type SocketAddress } from "./network.js";
import { onOrderlyEnd } from "./orderly-end.js";
import { resetSocket } from "./reset-socket.js";
import { toConnectionError } from "./system-errors.js";

/**
 * A connection of the virtual network on a real TCP socket, opened with `allowHalfOpen`. Reading starts with the first
 * `read`, so a relay or a TLS server may take the socket itself instead.
 */
export class SocketConnection implements OwnedConnection {
  readonly socket: Socket;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly closed: Promise<void>;
  readonly #chunks: Uint8Array[] = [];
  readonly #drained: { resolve(): void; reject(err: Error): void }[] = [];
  #reader: { resolve(bytes: Uint8Array | undefined): void; reject(err: Error): void } | undefined;
  #reading = false;
  #ended = false;
  #failure: ConnectionError | undefined;
  #vanished = false;

  constructor(socket: Socket, local: SocketAddress, remote: SocketAddress) {
    this.socket = socket;
    this.local = local;
    this.remote = remote;
    socket.on("error", (err) => this.#fail(toConnectionError(err)));
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        if (!this.#ended) this.#fail(new ConnectionError("reset", "connection closed"));
        // An error is dear, and hardly any connection that closes has somebody waiting.
        if (this.#drained.length > 0) this.#rejectWriters(new ConnectionError("reset", "connection closed"));
        resolve();
      });
    });
  }

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk) return Promise.resolve(chunk);
    if (this.#vanished) return new Promise(() => {});
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#reader) return Promise.reject(new TypeError("one reader at a time"));
    if (!this.#reading) this.#startReading();
    this.socket.resume();
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#vanished) return new Promise(() => {});
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.socket.writableEnded || this.socket.destroyed)
      return Promise.reject(new ConnectionError("reset", "write after end"));
    if (this.socket.write(bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (this.#drained.length === 0) this.socket.once("drain", () => this.#resolveWriters());
      this.#drained.push({ resolve, reject });
    });
  }

  end(): void {
    if (this.#vanished) return;
    this.socket.end();
    // Nobody may ever read the peer's FIN; without it the socket would stay open for good.
    if (!this.#reading && this.socket.readableLength === 0) this.#startReading();
  }

  reset(): void {
    this.#fail(new ConnectionError("reset", "connection was reset here"));
    // What was written before still goes out.
    this.socket.uncork();
    resetSocket(this.socket);
  }

  vanish(): void {
    this.#vanished = true;
    this.#reader = undefined;
    this.socket.pause();
  }

  #startReading(): void {
    this.#reading = true;
    this.socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    onOrderlyEnd(this.socket, () => {
      this.#ended = true;
      this.#reader?.resolve(undefined);
      this.#reader = undefined;
    });
  }

  #receive(chunk: Uint8Array): void {
    const reader = this.#reader;
    if (reader) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return;
    }
    this.#chunks.push(chunk);
    this.socket.pause();
  }

  #fail(reason: ConnectionError): void {
    this.#failure ??= reason;
    if (this.#vanished) return;
    this.#reader?.reject(reason);
    this.#reader = undefined;
    this.#rejectWriters(reason);
  }

  #resolveWriters(): void {
    for (const writer of this.#drained.splice(0)) writer.resolve();
  }

  #rejectWriters(reason: ConnectionError): void {
    for (const writer of this.#drained.splice(0)) writer.reject(reason);
  }
}
