import type { IncomingMessage } from "node:http";
import type { SecureContextOptions } from "node:tls";
import { WebSocket } from "ws";
import { type MessageStream, readBody, TransportError, type Upgraded, UpgradeRefused } from "../api/http.js";

export type TlsOptions = Pick<SecureContextOptions, "ca" | "cert" | "key"> & { rejectUnauthorized?: boolean };

/** Messages that may wait unread before the socket is paused. */
const HIGH_WATER_MESSAGES = 64;
const HIGH_WATER_BYTES = 1024 * 1024;

/** Opens a WebSocket. Its own file, so that `ws` is loaded only by who needs it. */
export function upgradeWebSocket(options: {
  url: URL;
  protocols: readonly string[];
  headers: Record<string, string>;
  tls: TlsOptions;
  signal?: AbortSignal | undefined;
}): Promise<Upgraded> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = new WebSocket(options.url, [...options.protocols], {
      headers: options.headers,
      perMessageDeflate: false,
      ...options.tls,
    });
    const stream = new WebSocketMessages(socket);
    const onAbort = (): void => socket.terminate();
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.on("close", () => signal?.removeEventListener("abort", onAbort));
    socket.on("open", () => resolve({ protocol: socket.protocol, stream }));
    socket.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
      refusal(response)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
    socket.on("error", (err) =>
      reject(signal?.aborted ? signal.reason : new TransportError(err.message, { cause: err })),
    );
  });
}

async function refusal(response: IncomingMessage): Promise<UpgradeRefused> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) headers[name] = String(value);
  const body = await readBody(response as AsyncIterable<Uint8Array>, HIGH_WATER_BYTES);
  return new UpgradeRefused({ status: response.statusCode ?? 500, headers, body });
}

/** A WebSocket as a MessageStream: reading slowly pauses the socket, writing waits for it. */
export class WebSocketMessages implements MessageStream {
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  #queue: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (message: Buffer | ArrayBuffer | Buffer[]) => this.#receive(message));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#ended = true;
        this.#wake?.();
        resolve();
      });
    });
    socket.on("error", () => {});
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#queue.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#queue.shift();
    if (this.#socket.isPaused && this.#queue.length < HIGH_WATER_MESSAGES / 2) this.#socket.resume();
    return message;
  }

  write(message: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended) return resolve();
      const early = this.#socket.bufferedAmount < HIGH_WATER_BYTES;
      // A failed write shows as `closed`; the stream's contract has no other way.
      this.#socket.send(message, { binary: true }, () => resolve());
      if (early) resolve();
    });
  }

  close(code = 1000): void {
    if (code === 1006) this.#socket.terminate();
    else this.#socket.close(code);
  }

  #receive(message: Buffer | ArrayBuffer | Buffer[]): void {
    const bytes = Array.isArray(message)
      ? Buffer.concat(message)
      : Buffer.isBuffer(message)
        ? message
        : Buffer.from(message);
    this.#queue.push(bytes);
    if (this.#queue.length >= HIGH_WATER_MESSAGES) this.#socket.pause();
    this.#wake?.();
  }
}
