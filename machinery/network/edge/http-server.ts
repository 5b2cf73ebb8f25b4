import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../api/clock.js";
import {
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  NoAnswer,
  upgradeKindOf,
} from "../../api/http.js";
import type { Logger } from "../../api/logger.js";
import { newInternalError, StatusError } from "../../api/status.js";
import { type Connection } from "../network.js";
import { acceptBytes, prepareSpdy } from "./byte-upgrade.js";
import { clientCertificateOf } from "./client-certificate.js";
import { ConnectionDuplex } from "./duplex.js";
import { toHttpHeaders } from "./headers.js";
import { toListenError } from "./listen-error.js";
import { requestBody } from "./request-body.js";
import { sendResponse, writeRawResponse } from "./send-response.js";
import { type PreparedUpgrade, WebSocketAcceptor } from "./websocket.js";

/** What a real API server takes of a body (MaxRequestBodyBytes). */
export const DEFAULT_BODY_LIMIT_BYTES = 3 * 1024 * 1024;
/** Go clients keep idle connections for 90 seconds; closing first would race with their next request. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_TIMEOUT_MS = 32_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const LARGEST_HEADER_BYTES = 1024 * 1024;

export interface HttpEdgeOptions {
  handler: HttpHandler;
  clock: Clock;
  logger: Logger;
  /** Absent: plain HTTP. */
  tls?: {
    key: string;
    cert: string;
    /** Client certificates signed by it are accepted as such; absent: none is asked for. */
    clientCa?: string;
  };
  /** Default: 3 MiB for every request. A longer body throws a 413 StatusError at whoever reads it. */
  bodyLimitBytes?: (request: HttpRequest) => number;
  /** Sees a request first; true when it takes it over (and perhaps hands it back to `serve`). */
  intercept?: (incoming: IncomingMessage, response: ServerResponse) => boolean;
}

/** Carries the bytes of an HttpHandler: over sockets of the host, and over connections of the virtual network. */
export class HttpEdge {
  readonly #options: HttpEdgeOptions;
  readonly #server: Server;
  readonly #webSockets = new WebSocketAcceptor();
  readonly #upgraded = new Set<Duplex>();
  readonly #inFlight = new Set<AbortController>();
  readonly #virtual = new Set<Duplex>();
  #closing = false;

  constructor(options: HttpEdgeOptions) {
    this.#options = options;
    const onRequest = (incoming: IncomingMessage, response: ServerResponse): void => {
      if (!options.intercept?.(incoming, response)) this.serve(incoming, response);
    };
    const limits = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: 0,
      maxHeaderSize: LARGEST_HEADER_BYTES,
      noDelay: true,
    };
    this.#server = options.tls
      ? createTlsServer({ ...limits, ...toTlsOptions(options.tls) }, onRequest)
      : createPlainServer(limits, onRequest);
    this.#server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(incoming, socket, head),
    );
  }

  /** Resolves to the port bound; rejects with ListenError. */
  async listen(port: number, ip: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const onError = (err: Error): void => reject(toListenError(err, ip, port));
      this.#server.once("error", onError);
      this.#server.listen(port, ip, () => {
        this.#server.off("error", onError);
        resolve();
      });
    });
    this.#server.on("error", (err) => this.#options.logger.error("Listener failed", { err }));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Serves a connection of the virtual network as if it had come from a socket. */
  accept(connection: Connection): void {
    if (this.#closing) return connection.reset();
    const duplex = new ConnectionDuplex(connection);
    duplex.on("error", (err) => this.#options.logger.debug("Virtual connection broke", { err }));
    this.#virtual.add(duplex);
    duplex.once("close", () => this.#virtual.delete(duplex));
    this.#server.emit("connection", duplex);
  }

  /** Hands one request to the handler. */
  serve(incoming: IncomingMessage, response: ServerResponse): void {
    const controller = new AbortController();
    this.#inFlight.add(controller);
    response.once("close", () => {
      this.#inFlight.delete(controller);
      if (!response.writableFinished) controller.abort(new Error("the client went away"));
    });
    // A request body that breaks off is reported to its reader; nobody may be reading.
    incoming.on("error", () => {});
    this.#answer(incoming, controller.signal)
      .then((answer) => sendResponse(answer, response, incoming.method === "HEAD", controller.signal))
      .catch((err: unknown) => {
        if (!controller.signal.aborted) this.#options.logger.warn("Response broke off", { err });
        response.destroy();
      });
  }

  /** Stops listening, ends watches and upgrades, and cuts what is left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const controller of this.#inFlight) controller.abort(new Error("the server is shutting down"));
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeIdleConnections();
    const cut = this.#options.clock.setTimer(graceMs, () => this.#server.closeAllConnections());
    await closed;
    cut.cancel();
    for (const duplex of this.#virtual) duplex.destroy();
  }

  async #answer(incoming: IncomingMessage, signal: AbortSignal): Promise<HttpResponse> {
    try {
      const request = this.#toRequest(incoming);
      const limitBytes = this.#options.bodyLimitBytes?.(request) ?? DEFAULT_BODY_LIMIT_BYTES;
      const body = requestBody(incoming, limitBytes);
      if (body !== undefined) request.body = body instanceof Promise ? await body : body;
      return await this.#options.handler.request(request, signal);
    } catch (err) {
      if (err instanceof NoAnswer) throw err;
      if (!signal.aborted) this.#options.logger.error("Handler failed", { err });
      return toStatusResponse(err);
    }
  }

  #toRequest(incoming: IncomingMessage): HttpRequest {
    return {
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: toHttpHeaders(incoming),
      remoteAddress: `${incoming.socket.remoteAddress}:${incoming.socket.remotePort}`,
      ...clientCertificateOf(incoming.socket),
    };
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const controller = new AbortController();
    this.#upgraded.add(socket);
    socket.once("close", () => {
      this.#upgraded.delete(socket);
      controller.abort(new Error("the client went away"));
    });
    socket.on("error", (err: Error) => this.#options.logger.debug("Upgraded connection broke", { err }));
    this.#answerUpgrade(incoming, socket, head, controller.signal).catch((err: unknown) => {
      if (!controller.signal.aborted) this.#options.logger.error("Upgrade failed", { err });
      socket.destroy();
    });
  }

  async #answerUpgrade(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    signal: AbortSignal,
  ): Promise<void> {
    const request = this.#toRequest(incoming);
    const upgrade = await this.#prepare(incoming, request, socket, head);
    // Curl's h2c: the answer is that of a request without the upgrade.
    if (!upgrade) return writeRawResponse(await this.#answer(incoming, signal), socket, signal);
    let answer: HttpResponse | undefined;
    try {
      answer = await this.#options.handler.upgrade(request, upgrade, signal);
    } catch (err) {
      if (upgrade.accepted) throw err;
      answer = toStatusResponse(err);
    }
    if (!upgrade.accepted) await writeRawResponse(answer ?? toStatusResponse(undefined), socket, signal);
  }

  async #prepare(
    incoming: IncomingMessage,
    { headers }: HttpRequest,
    socket: Duplex,
    head: Buffer,
  ): Promise<PreparedUpgrade | undefined> {
    const { clock } = this.#options;
    switch (upgradeKindOf(headers)) {
      case "SPDY/3.1":
        return prepareSpdy(incoming, socket, head, clock);
      case "websocket": {
        const upgrade = await this.#webSockets.prepare(incoming, socket, head);
        upgrade.acceptBytes = (answered) => {
          upgrade.accepted = true;
          return acceptBytes(socket, head, answered, clock);
        };
        return upgrade;
      }
      default:
        return undefined;
    }
  }
}

const toTlsOptions = (tls: NonNullable<HttpEdgeOptions["tls"]>) => ({
  key: tls.key,
  cert: tls.cert,
  minVersion: "TLSv1.2" as const,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  ALPNProtocols: ["http/1.1"],
  ...(tls.clientCa === undefined
    ? {}
    : // A certificate of another authority is a 401, not a broken handshake.
      { ca: tls.clientCa, requestCert: true, rejectUnauthorized: false }),
});

function toStatusResponse(err: unknown): HttpResponse {
  const { status } = err instanceof StatusError ? err : newInternalError("the handler failed");
  return {
    status: status.code,
    headers: { "content-type": "application/json" },
    body: Buffer.from(`${JSON.stringify(status)}\n`),
  };
}
