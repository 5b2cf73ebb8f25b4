import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../../api/clock.js";
import {
  type HttpHeaders,
  type HttpRequest,
  type MessageStream,
  readBody,
  TransportError,
  type UpgradedBytes,
  UpgradeRefused,
} from "../../api/http.js";
import { toHttpHeaders } from "./headers.js";
import { drained } from "./send-response.js";
import { offeredProtocols, type PreparedUpgrade } from "./websocket.js";

/** SPDY's own list of subprotocols (apimachinery httpstream HeaderProtocolVersion). */
export const PROTOCOL_HEADER = "x-stream-protocol-version";
/** How long a peer may take to close its side, after which what it still sends is lost. */
const LINGER_MS = 5000;
const LARGEST_REFUSAL_BYTES = 1024 * 1024;

/** A connection as messages: bytes in pieces of any size. Slow reading holds the peer back. */
export class DuplexStream implements MessageStream {
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #clock: Clock | undefined;
  #closing = false;

  constructor(socket: Duplex, head: Uint8Array, clock?: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      if (socket.destroyed) resolve();
      else socket.once("close", () => resolve());
    });
    if (head.length > 0) socket.unshift(head);
  }

  async read(): Promise<Uint8Array | undefined> {
    while (!this.#closing && !this.#socket.destroyed) {
      const bytes = this.#socket.read() as Buffer | null;
      if (bytes) return bytes;
      if (this.#socket.readableEnded) return undefined;
      await readable(this.#socket);
    }
    return undefined;
  }

  async write(message: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (!socket.destroyed && !socket.writableEnded && !socket.write(message)) await drained(socket);
    if (socket.destroyed) throw new TransportError("the connection is closed");
  }

  /** What was written still arrives; what the peer sends from now on is thrown away. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    const socket = this.#socket;
    socket.end();
    // Unread bytes would turn the end into a reset, which could overtake the last words.
    socket.resume();
    const cut = this.#clock?.setTimer(LINGER_MS, () => socket.destroy());
    socket.once("close", () => cut?.cancel());
  }
}

function readable(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const events = ["readable", "end", "close"] as const;
    const done = (): void => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}

/** Answers 101 with `headers`; the connection's bytes are the caller's. */
export function acceptBytes(
  socket: Duplex,
  head: Uint8Array,
  headers: HttpHeaders,
  clock: Clock,
): DuplexStream {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(["HTTP/1.1 101 Switching Protocols", ...lines, "\r\n"].join("\r\n"), "latin1");
  return new DuplexStream(socket, head, clock);
}

/** A request for SPDY/3.1, which is spoken by whoever accepts it: here its bytes only pass. */
export function prepareSpdy(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  clock: Clock,
): PreparedUpgrade {
  const upgrade: PreparedUpgrade = {
    kind: "SPDY/3.1",
    protocols: offeredProtocols((incoming.headersDistinct[PROTOCOL_HEADER] ?? []).join(",")),
    accepted: false,
    accept: (protocol) =>
      accept({
        connection: "Upgrade",
        upgrade: "SPDY/3.1",
        ...(protocol === "" ? {} : { [PROTOCOL_HEADER]: protocol }),
      }),
    acceptBytes: (headers) => accept(headers),
  };
  const accept = (headers: HttpHeaders): MessageStream => {
    upgrade.accepted = true;
    return acceptBytes(socket, head, headers, clock);
  };
  return upgrade;
}

/**
 * Sends a request that asks for an upgrade over `socket`. Rejects with UpgradeRefused when the answer is another,
 * TransportError when there is none.
 */
export function dialBytes(
  request: HttpRequest,
  headers: OutgoingHttpHeaders,
  socket: Duplex,
  signal: AbortSignal | undefined,
): Promise<UpgradedBytes> {
  return new Promise((resolve, reject) => {
    const { method, path } = request;
    const call: ClientRequest = httpRequest({ method, path, headers, createConnection: () => socket });
    const abort = (): void => void socket.destroy();
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal?.removeEventListener("abort", abort));
    call.once("upgrade", (answer: IncomingMessage, upgraded: Duplex, head: Buffer) =>
      resolve({ headers: toHttpHeaders(answer), stream: new DuplexStream(upgraded, head) }),
    );
    call.once("response", (answer: IncomingMessage) => {
      readBody(answer, LARGEST_REFUSAL_BYTES)
        .then((body) =>
          reject(
            new UpgradeRefused({ status: answer.statusCode ?? 500, headers: toHttpHeaders(answer), body }),
          ),
        )
        .catch((err: unknown) => reject(new TransportError("the refusal broke off", { cause: err })))
        .finally(() => call.destroy());
    });
    call.on("error", (err) => reject(new TransportError(err.message, { cause: err })));
    if (signal?.aborted) abort();
    call.end();
  });
}
