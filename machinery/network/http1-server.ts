import type { ByteStream, HttpRequest, HttpResponse } from "../api/http.js";
import { bodyLength, Http1Error, Http1Reader, type MessageHead } from "./http1-reader.js";
import { encodeHead, hasToken, type RawHeaders, reasonPhrase, writeMessage } from "./http1-writer.js";
import type { Connection } from "./network.js";
import { withRest } from "./with-rest.js";

export interface Http1Request extends HttpRequest {
  httpVersion: "1.0" | "1.1";
  rawHeaders: MessageHead["rawHeaders"];
  body?: AsyncIterable<Uint8Array>;
  /** The very connection that was given to `serve`. */
  connection: Pick<Connection, "local" | "remote" | "closed">;
}

export interface Http1Answer extends HttpResponse {
  /** Sent beside `headers`, as they are. */
  rawHeaders?: RawHeaders;
  /** The status line's last words. Default: the usual ones. */
  reason?: string;
  /** With status 101: takes the connection over; what it returns ends it. */
  upgraded?: (stream: ByteStream) => Promise<void>;
}

export type Http1Handler = (request: Http1Request) => Promise<Http1Answer> | Http1Answer;

export interface Http1ServerOptions {
  /** Default 1 MiB; a longer body is answered 413. */
  largestBodyBytes?: number;
  /** What is sent for a message that breaks the rules. Default: the reason as text. */
  refuse?: (status: number, message: string) => Http1Answer;
  /** A request's answer has left whole, and the connection stays: the next request may come. */
  onAnswered?: (connection: Connection) => void;
}

const LARGEST_BODY_BYTES = 1024 * 1024;

interface Served {
  connection: Connection;
  busy: boolean;
  /** Had no request since the last `endIdle`. */
  idle: boolean;
}

/** An HTTP/1.1 server over virtual connections. It has no timer: whoever owns it may end idle connections. */
export class Http1Server {
  readonly #handler: Http1Handler;
  readonly #options: Http1ServerOptions;
  readonly #served = new Set<Served>();
  #closing = false;

  constructor(handler: Http1Handler, options: Http1ServerOptions = {}) {
    this.#handler = handler;
    this.#options = options;
  }

  /** Serves one connection to its end; never rejects. */
  async serve(connection: Connection): Promise<void> {
    const served: Served = { connection, busy: false, idle: false };
    this.#served.add(served);
    try {
      const reader = new Http1Reader(connection);
      while (!this.#closing && (await this.#serveOne(served, reader))) {
        served.busy = false;
        this.#options.onAnswered?.(connection);
      }
      connection.end();
    } catch {
      connection.reset(); // the peer reset, or the answer's source failed midway: the rest cannot be sent
    } finally {
      this.#served.delete(served);
    }
  }

  /** Requests being answered. */
  get activeCount(): number {
    return [...this.#served].filter((served) => served.busy).length;
  }

  get connectionCount(): number {
    return this.#served.size;
  }

  /** Ends the connections that had no request since the last call. */
  endIdle(): void {
    for (const served of this.#served) {
      if (served.idle && !served.busy) served.connection.end();
      served.idle = true;
    }
  }

  /** Ends idle connections at once and the others after their answer. */
  shutdown(): void {
    this.#closing = true;
    for (const served of this.#served) if (!served.busy) served.connection.end();
  }

  /** Answers one request; false when the connection is to end. */
  async #serveOne(served: Served, reader: Http1Reader): Promise<boolean> {
    const { connection } = served;
    let incoming: Incoming | undefined;
    try {
      const head = await reader.readHead();
      if (!head || (this.#closing && !served.busy)) return false;
      served.busy = true;
      served.idle = false;
      incoming = await this.#receive(head, reader, connection);
    } catch (err) {
      if (!(err instanceof Http1Error)) throw err;
      await this.#refuse(connection, err);
      return false;
    }
    const answer = await this.#answer(incoming.request);
    if (answer.upgraded && answer.status === 101) {
      await writeMessage(
        connection,
        encodeHead("HTTP/1.1 101 Switching Protocols", answer.headers, answer.rawHeaders),
        undefined,
        false,
      );
      await answer.upgraded(withRest(connection, reader.takeRest()));
      return false;
    }
    const keepAlive = await this.#send(connection, incoming.request, answer);
    return keepAlive && (await incoming.drain());
  }

  async #answer(request: Http1Request): Promise<Http1Answer> {
    try {
      return await this.#handler(request);
    } catch (err) {
      if (!(err instanceof Http1Error)) throw err;
      return this.#refusal(err);
    }
  }

  async #receive(head: MessageHead, reader: Http1Reader, connection: Connection): Promise<Incoming> {
    const match = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(head.startLine);
    if (!match)
      throw new Http1Error(/ HTTP\/[02-9]/.test(head.startLine) ? 505 : 400, "invalid request line");
    const [, method = "", path = "", minor] = match;
    if (minor === "1" && head.headers["host"] === undefined) throw new Http1Error(400, "missing Host header");
    const length = bodyLength(head.headers);
    const limit = this.#options.largestBodyBytes ?? LARGEST_BODY_BYTES;
    if (typeof length === "number" && length > limit) throw new Http1Error(413, "body too large");
    const isExpected = minor === "1" && head.headers["expect"]?.toLowerCase() === "100-continue";
    const body = new IncomingBody(length, limit, reader, isExpected ? connection : undefined);
    return {
      request: {
        method,
        path,
        httpVersion: minor === "1" ? "1.1" : "1.0",
        headers: head.headers,
        rawHeaders: head.rawHeaders,
        remoteAddress: `${connection.remote.ip}:${connection.remote.port}`,
        connection,
        ...(length === undefined || length === 0 ? {} : { body }),
      },
      drain: () => body.drain(),
    };
  }

  /** True when the connection can be used again. */
  async #send(connection: Connection, request: Http1Request, answer: Http1Answer): Promise<boolean> {
    const bodiless = request.method === "HEAD" || answer.status === 204 || answer.status === 304;
    const streams = !(answer.body instanceof Uint8Array);
    const sized =
      answer.headers["content-length"] !== undefined ||
      answer.rawHeaders?.some(([name]) => name.toLowerCase() === "content-length") === true;
    const chunked = streams && !sized && !bodiless && request.httpVersion === "1.1";
    const keepAlive =
      asksToKeep(request) &&
      !this.#closing &&
      answer.headers["connection"] !== "close" &&
      (!streams || chunked || sized || bodiless);
    const headers = {
      ...answer.headers,
      ...(answer.body instanceof Uint8Array && !sized && answer.status !== 204 && answer.status !== 304
        ? { "content-length": String(answer.body.length) }
        : {}),
      ...(chunked ? { "transfer-encoding": "chunked" } : {}),
      ...(answer.headers["connection"] === undefined ? connectionHeader(request, keepAlive) : {}),
    };
    const reason = answer.reason ?? reasonPhrase(answer.status);
    const head = encodeHead(`HTTP/1.1 ${answer.status} ${reason}`, headers, answer.rawHeaders);
    await writeMessage(connection, head, bodiless ? undefined : answer.body, chunked);
    return keepAlive;
  }

  async #refuse(connection: Connection, err: Http1Error): Promise<void> {
    const answer = this.#refusal(err);
    const body = answer.body instanceof Uint8Array ? answer.body : undefined;
    const headers = { ...answer.headers, "content-length": String(body?.length ?? 0), connection: "close" };
    const reason = answer.reason ?? reasonPhrase(answer.status);
    await writeMessage(connection, encodeHead(`HTTP/1.1 ${answer.status} ${reason}`, headers), body, false);
  }

  #refusal(err: Http1Error): Http1Answer {
    return (
      this.#options.refuse?.(err.status, err.message) ?? {
        status: err.status,
        headers: { "content-type": "text/plain; charset=utf-8", connection: "close" },
        body: Buffer.from(`${err.status} ${reasonPhrase(err.status)}: ${err.message}`, "utf8"),
      }
    );
  }
}

interface Incoming {
  request: Http1Request;
  drain: () => Promise<boolean>;
}

const asksToKeep = ({ httpVersion, headers }: Http1Request): boolean =>
  httpVersion === "1.1"
    ? !hasToken(headers["connection"], "close")
    : hasToken(headers["connection"], "keep-alive");

const connectionHeader = (request: Http1Request, keepAlive: boolean): Record<string, string> => {
  if (!keepAlive) return { connection: "close" };
  return request.httpVersion === "1.0" ? { connection: "keep-alive" } : {};
};

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n", "latin1");

/** A request's body; what the handler leaves unread is read before the next request. */
class IncomingBody implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncGenerator<Uint8Array> | undefined;
  readonly #limitBytes: number;
  /** The client, while it waits to hear that its body is wanted. */
  #waiting: Connection | undefined;
  #receivedBytes = 0;

  constructor(
    length: number | "chunked" | undefined,
    limitBytes: number,
    reader: Http1Reader,
    waiting: Connection | undefined,
  ) {
    this.#limitBytes = limitBytes;
    this.#waiting = waiting;
    if (length === "chunked") this.#source = reader.chunkedBody();
    else if (length !== undefined && length > 0) this.#source = reader.bodyOfLength(length);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    // Not `for await`: a handler that stops early must leave the source open for drain().
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return;
      yield chunk;
    }
  }

  /** False when what follows on the connection is unknown: a client that was not told to go on may send its body or not. */
  async drain(): Promise<boolean> {
    if (this.#waiting && this.#source) return false;
    try {
      while (await this.#next()) {
        // Thrown away.
      }
      return true;
    } catch (err) {
      if (err instanceof Http1Error) return false;
      throw err;
    }
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#waiting && this.#source) {
      const client = this.#waiting;
      this.#waiting = undefined;
      await client.write(CONTINUE);
    }
    const next = await this.#source?.next();
    if (!next || next.done) return undefined;
    this.#receivedBytes += next.value.length;
    if (this.#receivedBytes > this.#limitBytes) throw new Http1Error(413, "body too large");
    return next.value;
  }
}
