import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext } from "node:tls";
import {
  type HttpRequest,
  type HttpResponse,
  type Transport,
  TransportError,
  type Upgraded,
} from "../api/http.js";
import type { TlsOptions } from "./websocket-upgrade.js";

export interface HttpTransportOptions {
  /** `https://127.0.0.1:6443`; plain http is taken too. */
  server: string;
  /** PEM. */
  ca?: string | Uint8Array | undefined;
  cert?: string | Uint8Array | undefined;
  key?: string | Uint8Array | undefined;
  token?: string | undefined;
  insecureSkipTlsVerify?: boolean;
  /** For ordinary requests; further ones wait their turn. Default 64. */
  maxConnections?: number;
}

/** Ordinary requests share few connections; each long-lived stream has one of its own. */
const MOST_REQUEST_SOCKETS = 64;
const MOST_STREAM_SOCKETS = 20_000;
const LARGEST_BODY_BYTES = 1024 ** 3;

/** The real thing: HTTP/1.1 over TLS with kept-alive connections. */
export function httpTransport(options: HttpTransportOptions): Transport & { close(): void } {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #server: URL;
  readonly #tls: TlsOptions;
  readonly #token: string | undefined;
  readonly #requestAgent: HttpAgent | HttpsAgent;
  readonly #streamAgent: HttpAgent | HttpsAgent;
  /** Of the last handshake. Agents remember theirs, but not each other's: a stream's connection can resume a request's. */
  #session: Buffer | undefined;

  constructor(options: HttpTransportOptions) {
    this.#server = new URL(options.server);
    this.#token = options.token;
    this.#tls = tlsOptions(options);
    const { rejectUnauthorized = true, ...keys } = this.#tls;
    // Parsed once: without it every connection parses certificates and key anew, the dearest part of a handshake.
    const secureContext = this.#secure ? createSecureContext(keys) : undefined;
    const newAgent = (maxSockets: number): HttpAgent | HttpsAgent =>
      secureContext
        ? new HttpsAgent({ keepAlive: true, maxSockets, secureContext, rejectUnauthorized })
        : new HttpAgent({ keepAlive: true, maxSockets });
    this.#requestAgent = newAgent(options.maxConnections ?? MOST_REQUEST_SOCKETS);
    this.#streamAgent = newAgent(MOST_STREAM_SOCKETS);
  }

  async request(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    try {
      return await this.#attempt(request, signal);
    } catch (err) {
      // A kept connection may have been closed by the server while the request was under way; reading is safe to repeat.
      if (!(err instanceof StaleConnectionError) || request.method !== "GET") throw err;
      return this.#attempt(request, signal);
    }
  }

  async upgrade(request: HttpRequest, protocols: readonly string[], signal?: AbortSignal): Promise<Upgraded> {
    const { upgradeWebSocket } = await import("./websocket-upgrade.js");
    const url = new URL(request.path, this.#server);
    url.protocol = this.#secure ? "wss:" : "ws:";
    return upgradeWebSocket({ url, protocols, headers: this.#headers(request), tls: this.#tls, signal });
  }

  close(): void {
    this.#requestAgent.destroy();
    this.#streamAgent.destroy();
  }

  get #secure(): boolean {
    return this.#server.protocol === "https:";
  }

  #headers(request: HttpRequest): Record<string, string> {
    return this.#token === undefined
      ? { ...request.headers }
      : { authorization: `Bearer ${this.#token}`, ...request.headers };
  }

  #attempt(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const open = this.#secure ? httpsRequest : httpRequest;
      const headers = this.#headers(request);
      if (request.body instanceof Uint8Array) headers["content-length"] = String(request.body.length);
      const call = open({
        hostname: this.#server.hostname.replace(/^\[|\]$/g, ""),
        port: this.#server.port,
        method: request.method,
        path: request.path,
        headers,
        agent: isStream(request.path) ? this.#streamAgent : this.#requestAgent,
        ...(signal ? { signal } : {}),
        ...(this.#session ? { session: this.#session } : {}),
      });
      call.once("socket", (socket) => {
        if (!call.reusedSocket) socket.once("session", (session: Buffer) => (this.#session = session));
      });
      call.on("response", (response) => {
        collect(response, signal).then(resolve, reject);
      });
      call.on("error", (err) => reject(toFailure(err, call, signal)));
      send(call, request.body).catch((err: unknown) => call.destroy(err as Error));
    });
  }
}

class StaleConnectionError extends TransportError {}

function toFailure(err: Error, call: ClientRequest, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  const Failure = call.reusedSocket ? StaleConnectionError : TransportError;
  return new Failure(err.message, { cause: err });
}

const isStream = (path: string): boolean => /[?&](watch|follow)=(1|true)/.test(path);

async function send(call: ClientRequest, body: HttpRequest["body"]): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    call.end(body);
    return;
  }
  for await (const chunk of body) {
    if (!call.write(chunk)) await new Promise((resolve) => call.once("drain", resolve));
  }
  call.end();
}

/** A body of known length is read whole, which is cheaper than iterating; any other is streamed. */
async function collect(response: IncomingMessage, signal?: AbortSignal): Promise<HttpResponse> {
  const head = { status: response.statusCode ?? 500, headers: flatHeaders(response) };
  const length = response.headers["content-length"];
  if (length === undefined && response.statusCode !== 204)
    return { ...head, body: streamed(response, signal) };
  if (Number(length) > LARGEST_BODY_BYTES) {
    response.destroy();
    throw new TransportError(`an answer of ${length} bytes is too large`);
  }
  return { ...head, body: await whole(response, signal) };
}

function whole(response: IncomingMessage, signal?: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    response.on("error", (err) =>
      reject(signal?.aborted ? signal.reason : new TransportError(err.message, { cause: err })),
    );
  });
}

async function* streamed(response: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (err) {
    if (signal?.aborted) throw signal.reason;
    throw new TransportError(err instanceof Error ? err.message : String(err), { cause: err });
  }
}

function flatHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return headers;
}

const pem = (value: string | Uint8Array): string | Buffer =>
  typeof value === "string" ? value : Buffer.from(value);

function tlsOptions(options: HttpTransportOptions): TlsOptions {
  return {
    ...(options.ca === undefined ? {} : { ca: pem(options.ca) }),
    ...(options.cert === undefined ? {} : { cert: pem(options.cert) }),
    ...(options.key === undefined ? {} : { key: pem(options.key) }),
    ...(options.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
  };
}
