import type { ByteStream, HttpRequest, HttpResponse } from "../api/http.js";
import { bodyLength, Http1Error, Http1Reader, type MessageHead } from "./http1-reader.js";
import { encodeHead, hasToken, type RawHeaders, writeMessage } from "./http1-writer.js";
import { ConnectionError } from "./network.js";

export interface Http1ClientRequest extends HttpRequest {
  /** Sent beside `headers`, as they are. */
  rawHeaders?: RawHeaders;
}

export interface Http1Response extends HttpResponse {
  httpVersion: string;
  /** The status line's last words, as sent. */
  reason: string;
  rawHeaders: MessageHead["rawHeaders"];
  body: AsyncIterable<Uint8Array>;
  /** The same body, when all of it came with the head. */
  whole?: Uint8Array;
}

/**
 * Requests over one connection, one after the other: the next may be sent when the last answer's body was read to its
 * end and `reusable` is true. Rejects with ConnectionError, or Http1Error (status 502) when the answer is no HTTP or
 * there was none.
 */
export class Http1Client {
  readonly #connection: ByteStream;
  readonly #reader: Http1Reader;
  #reusable = true;
  #bodyDone = true;
  #sent = true;

  constructor(connection: ByteStream) {
    this.#connection = connection;
    this.#reader = new Http1Reader(connection);
  }

  get reusable(): boolean {
    return this.#reusable && this.#bodyDone && this.#sent;
  }

  /** The request's `host` header is the caller's to set. */
  async request(request: Http1ClientRequest): Promise<Http1Response> {
    const { body } = request;
    const chunked = body !== undefined && !(body instanceof Uint8Array);
    const headers: Record<string, string> = { ...request.headers };
    if (chunked && headers["content-length"] === undefined) headers["transfer-encoding"] = "chunked";
    else if (body instanceof Uint8Array) headers["content-length"] = String(body.length);
    const head = encodeHead(`${request.method} ${request.path} HTTP/1.1`, headers, request.rawHeaders);
    // The answer may begin, and must be read, while a long body is still being sent.
    this.#sent = false;
    const sending = this.#send(head, body, headers["transfer-encoding"] === "chunked");
    return Promise.race([
      this.#readResponse(request.method),
      sending.then(() => new Promise<never>(() => {})),
    ]);
  }

  /**
   * Between requests: resolves when the peer has ended the connection, or has sent what nobody asked for. The next request
   * may be made all the same; nothing is lost.
   */
  async idleEnd(): Promise<void> {
    await this.#reader.arrival().catch(() => {});
  }

  /** After a 101 answer: what follows on the wire. */
  takeRest(): Uint8Array {
    return this.#reader.takeRest();
  }

  /** Rejects only when the body's source fails; what the network does shows in the answer. */
  async #send(head: string, body: HttpRequest["body"], chunked: boolean): Promise<void> {
    try {
      await writeMessage(this.#connection, head, body, chunked);
      this.#sent = true;
    } catch (err) {
      if (err instanceof ConnectionError) return;
      this.#connection.reset();
      throw err;
    }
  }

  async #readResponse(method: string): Promise<Http1Response> {
    const head = await this.#readFinalHead();
    const match = /^(HTTP\/1\.[01]) (\d{3}) ?(.*)$/.exec(head.startLine);
    if (!match) throw new Http1Error(502, "malformed status line");
    const [, httpVersion = "", code = "", reason = ""] = match;
    const status = Number(code);
    const bodiless = method === "HEAD" || status === 204 || status === 304 || status === 101;
    const length = bodiless ? 0 : bodyLength(head.headers);
    const wanted = head.headers["connection"];
    this.#reusable =
      length !== undefined &&
      (httpVersion === "HTTP/1.1" ? !hasToken(wanted, "close") : hasToken(wanted, "keep-alive"));
    return {
      status,
      reason,
      httpVersion,
      headers: head.headers,
      rawHeaders: head.rawHeaders,
      ...this.#body(length),
    };
  }

  async #readFinalHead(): Promise<MessageHead> {
    for (;;) {
      const head = await this.#reader.readHead();
      if (!head) throw new Http1Error(502, "empty reply from server");
      if (!/^HTTP\/1\.[01] 1(?!01)\d\d/.test(head.startLine)) return head;
    }
  }

  #body(length: number | "chunked" | undefined): Pick<Http1Response, "body" | "whole"> {
    const whole = typeof length === "number" ? this.#reader.takeBody(length) : undefined;
    this.#bodyDone = whole !== undefined;
    if (whole) return { body: only(whole), whole };
    const source =
      length === "chunked"
        ? this.#reader.chunkedBody()
        : length === undefined
          ? this.#reader.bodyUntilEnd()
          : this.#reader.bodyOfLength(length);
    return { body: this.#marking(source) };
  }

  async *#marking(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* source;
    this.#bodyDone = true;
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
