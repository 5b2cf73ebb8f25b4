import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import {
  type HttpRequest,
  type MessageStream,
  readBody,
  TransportError,
  type Upgraded,
  UpgradeRefused,
  type UpgradeRequest,
} from "../../api/http.js";
import { toHttpHeaders } from "./headers.js";

const LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024;
const LARGEST_REFUSAL_BYTES = 1024 * 1024;
/** Messages that may wait for a reader before the peer is held back. */
const PAUSE_AT_MESSAGES = 32;

/** A WebSocket of the `ws` package as messages. Text and binary frames read alike; writes are binary. */
export class WebSocketStream implements MessageStream {
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #messages: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data: Buffer) => {
      this.#messages.push(data);
      if (this.#messages.length >= PAUSE_AT_MESSAGES) socket.pause();
      this.#wake?.();
    });
    // A protocol error or a reset is followed by "close"; the reader learns the end from there.
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#ended = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#messages.shift();
    if (this.#messages.length < PAUSE_AT_MESSAGES && this.#socket.isPaused) this.#socket.resume();
    return message;
  }

  write(message: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(message, { binary: true }, (err) =>
        err ? reject(new TransportError(err.message, { cause: err })) : resolve(),
      );
    });
  }

  close(code = 1000): void {
    // ws never finishes a close handshake on a paused socket.
    if (this.#socket.isPaused) this.#socket.resume();
    this.#socket.close(code);
  }
}

/** The protocols that a WebSocket handshake offers, in order. */
export const offeredProtocols = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");

/** An upgrade that the edge holds out to a handler. */
export type PreparedUpgrade = UpgradeRequest & { accepted: boolean };

/** Answers WebSocket handshakes. Loading `ws` waits for the first of them. */
export class WebSocketAcceptor {
  #server: Promise<WebSocketServer> | undefined;

  /** `accept` of the answer may be called once, before the socket is otherwise answered. */
  async prepare(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<PreparedUpgrade> {
    this.#server ??= createAcceptor();
    const server = await this.#server;
    const protocols = offeredProtocols(incoming.headers["sec-websocket-protocol"]);
    // Kubernetes' port-forward offers a protocol with "/" in it, which ws refuses to parse: it is answered by hand.
    delete incoming.headers["sec-websocket-protocol"];
    const upgrade: PreparedUpgrade = {
      kind: "websocket",
      protocols,
      accepted: false,
      accept(protocol: string): MessageStream {
        let stream: MessageStream | undefined;
        server.once("headers", (headers: string[]) => {
          if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
        });
        upgrade.accepted = true;
        server.handleUpgrade(incoming, socket, head, (webSocket) => {
          stream = new WebSocketStream(webSocket);
        });
        if (stream) return stream;
        server.removeAllListeners("headers");
        throw new TransportError("the WebSocket handshake was not valid");
      },
    };
    return upgrade;
  }
}

async function createAcceptor(): Promise<WebSocketServer> {
  const ws = await import("ws");
  return new ws.WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE_BYTES,
  });
}

export interface WebSocketDial {
  /** `ws:` or `wss:`, with path and query. */
  url: string;
  headers: HttpRequest["headers"];
  protocols: readonly string[];
  /** A connected (and, for `wss:`, encrypted) socket; default: node's own by the url. */
  createConnection?: () => Duplex;
  tls?: { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean; servername?: string };
  signal?: AbortSignal;
}

/** Rejects with UpgradeRefused when the server answered otherwise, TransportError when it did not answer. */
export async function dialWebSocket(dial: WebSocketDial): Promise<Upgraded> {
  const { WebSocket } = await import("ws");
  dial.signal?.throwIfAborted();
  const { createConnection } = dial;
  const socket = new WebSocket(dial.url, [...dial.protocols], {
    headers: { ...dial.headers },
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE_BYTES,
    ...dial.tls,
    ...(createConnection ? { createConnection: createConnection as never } : {}),
  });
  // Built before the handshake ends, so that no early message is missed.
  const stream = new WebSocketStream(socket);
  const abort = (): void => socket.terminate();
  dial.signal?.addEventListener("abort", abort, { once: true });
  try {
    await opened(socket);
  } finally {
    dial.signal?.removeEventListener("abort", abort);
  }
  dial.signal?.addEventListener("abort", abort, { once: true });
  stream.closed.then(() => dial.signal?.removeEventListener("abort", abort)).catch(() => {});
  return { protocol: socket.protocol, stream };
}

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (err) => reject(new TransportError(err.message, { cause: err })));
    socket.once("unexpected-response", (call: ClientRequest, answer: IncomingMessage) => {
      readBody(answer, LARGEST_REFUSAL_BYTES)
        .then((body) => {
          const headers = toHttpHeaders(answer);
          reject(new UpgradeRefused({ status: answer.statusCode ?? 500, headers, body }));
        })
        .catch((err: unknown) => reject(new TransportError("the refusal broke off", { cause: err })))
        .finally(() => call.destroy());
    });
  });
