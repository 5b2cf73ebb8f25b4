import type { ByteStream } from "../api/http.js";

/** A message that breaks the rules. `status` is what a server answers. */
export class Http1Error extends Error {
  override readonly name = "Http1Error";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Shared by all messages that begin alike: nobody changes it. */
export interface MessageHead {
  startLine: string;
  /** As sent. */
  rawHeaders: readonly (readonly [name: string, value: string])[];
  /** Names in lower case, repeated ones joined by ", ". */
  headers: Readonly<Record<string, string>>;
}

const LARGEST_HEAD_BYTES = 32 * 1024;
const PRINTABLE = { first: 0x21, last: 0x7e } as const;
const LONGEST_CHUNK_LINE_BYTES = 1024;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Takes HTTP/1 messages apart as they arrive. */
export class Http1Reader {
  readonly #stream: Pick<ByteStream, "read">;
  #buffer: Uint8Array = new Uint8Array();
  #arriving: Promise<boolean> | undefined;

  constructor(stream: Pick<ByteStream, "read">) {
    this.#stream = stream;
  }

  /** Undefined when the stream ends before the first byte. Rejects with Http1Error. */
  async readHead(): Promise<MessageHead | undefined> {
    let end = this.#endOfHead();
    while (end < 0) {
      if (this.#buffer.length > LARGEST_HEAD_BYTES) throw new Http1Error(431, "header too large");
      const wasEmpty = this.#buffer.length === 0;
      if (!(await this.#fill())) {
        if (wasEmpty) return undefined;
        throw new Http1Error(400, "unexpected end of headers");
      }
      this.#skipEmptyLines();
      const [first = PRINTABLE.first] = this.#buffer;
      // A TLS handshake, say: nothing that may follow would make HTTP of it.
      if (first < PRINTABLE.first || first > PRINTABLE.last)
        throw new Http1Error(400, "invalid request line");
      end = this.#endOfHead();
    }
    if (end > LARGEST_HEAD_BYTES) throw new Http1Error(431, "header too large");
    const text = Buffer.from(this.#buffer.buffer, this.#buffer.byteOffset, end).toString("latin1");
    this.#buffer = this.#buffer.subarray(end);
    return headOf(text);
  }

  async *bodyOfLength(length: number): AsyncGenerator<Uint8Array> {
    let left = length;
    while (left > 0) {
      if (this.#buffer.length === 0 && !(await this.#fill())) {
        throw new Http1Error(400, "unexpected end of body");
      }
      const chunk = this.#buffer.subarray(0, left);
      this.#buffer = this.#buffer.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  async *chunkedBody(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const line = await this.#readLine();
      const size = /^[0-9a-fA-F]{1,8}(?=\s*(;|$))/.exec(line)?.[0];
      if (size === undefined) throw new Http1Error(400, "invalid chunk size");
      if (Number.parseInt(size, 16) === 0) break;
      yield* this.bodyOfLength(Number.parseInt(size, 16));
      if ((await this.#readLine()) !== "") throw new Http1Error(400, "chunk longer than its size");
    }
    while ((await this.#readLine()) !== "") {
      // Trailers are read and forgotten.
    }
  }

  async *bodyUntilEnd(): AsyncGenerator<Uint8Array> {
    do {
      const chunk = this.#buffer;
      this.#buffer = new Uint8Array();
      if (chunk.length > 0) yield chunk;
    } while (await this.#fill());
  }

  /** Resolves to true when more has come, to false at the stream's end. Takes nothing away; may be called ahead of a read. */
  arrival(): Promise<boolean> {
    this.#arriving ??= this.#readMore();
    return this.#arriving;
  }

  /** A body that is already here whole. */
  takeBody(length: number): Uint8Array | undefined {
    if (this.#buffer.length < length) return undefined;
    const body = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return body;
  }

  /** Bytes that were read but belong to what follows an upgrade. */
  takeRest(): Uint8Array {
    const rest = this.#buffer;
    this.#buffer = new Uint8Array();
    return rest;
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const newline = this.#buffer.indexOf(10);
      if (newline >= 0) {
        const line = Buffer.from(this.#buffer.subarray(0, newline)).toString("latin1");
        this.#buffer = this.#buffer.subarray(newline + 1);
        return line.endsWith("\r") ? line.slice(0, -1) : line;
      }
      if (this.#buffer.length > LONGEST_CHUNK_LINE_BYTES) throw new Http1Error(400, "line too long");
      if (!(await this.#fill())) throw new Http1Error(400, "unexpected end of body");
    }
  }

  #fill(): Promise<boolean> {
    const arriving = this.#arriving ?? this.#readMore();
    this.#arriving = undefined;
    return arriving;
  }

  async #readMore(): Promise<boolean> {
    const chunk = await this.#stream.read();
    if (!chunk) return false;
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    return true;
  }

  /** Clients may send an empty line between messages. */
  #skipEmptyLines(): void {
    let start = 0;
    while (this.#buffer[start] === 13 || this.#buffer[start] === 10) start++;
    if (start > 0) this.#buffer = this.#buffer.subarray(start);
  }

  /** Index after the empty line, or -1. */
  #endOfHead(): number {
    for (let i = this.#buffer.indexOf(10); i >= 0; i = this.#buffer.indexOf(10, i + 1)) {
      if (this.#buffer[i + 1] === 10) return i + 2;
      if (this.#buffer[i + 1] === 13 && this.#buffer[i + 2] === 10) return i + 3;
    }
    return -1;
  }
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line);

/** Names that were seen, in lower case; beyond so many they are checked each time. */
const NAMES = new Map<string, string>();
const MOST_NAMES = 256;

function newName(name: string): string {
  if (!HEADER_NAME.test(name)) throw new Http1Error(400, "invalid header line");
  const key = name.toLowerCase();
  if (NAMES.size < MOST_NAMES) NAMES.set(name, key);
  return key;
}

/** Heads that were parsed before: clients and servers send the same ones again and again. */
const HEADS = new Map<string, MessageHead>();
const MOST_HEADS = 2048;
const LONGEST_KNOWN_HEAD = 1024;

function headOf(text: string): MessageHead {
  const known = HEADS.get(text);
  if (known) return known;
  const head = parseHead(text);
  if (HEADS.size >= MOST_HEADS) HEADS.clear();
  if (text.length <= LONGEST_KNOWN_HEAD) HEADS.set(text, head);
  return head;
}

function parseHead(text: string): MessageHead {
  const [startLine = "", ...lines] = text.split("\n").map(withoutReturn);
  const rawHeaders: [string, string][] = [];
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    const key = NAMES.get(name) ?? newName(name);
    const value = line.slice(colon + 1).trim();
    rawHeaders.push([name, value]);
    const before = headers[key];
    headers[key] = before === undefined ? value : `${before}, ${value}`;
  }
  return { startLine, rawHeaders, headers: Object.freeze(headers) };
}

/** The length of a body by its headers. Throws Http1Error for contradictions. */
export function bodyLength(headers: Readonly<Record<string, string>>): number | "chunked" | undefined {
  const encoding = headers["transfer-encoding"]?.toLowerCase();
  if (encoding !== undefined) {
    // Two lengths in one message are how requests are smuggled past proxies (RFC 9112, 6.3).
    if (headers["content-length"] !== undefined) throw new Http1Error(400, "two lengths");
    if (encoding !== "chunked") throw new Http1Error(501, "unsupported transfer encoding");
    return "chunked";
  }
  const length = headers["content-length"];
  if (length === undefined) return undefined;
  const values = new Set(length.split(",").map((value) => value.trim()));
  const [value = ""] = values;
  if (values.size !== 1 || !/^\d{1,15}$/.test(value)) throw new Http1Error(400, "invalid content length");
  return Number(value);
}
