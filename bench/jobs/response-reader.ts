import type { RawResponse } from "./raw-client.js";

const HEAD_END = Buffer.from("\r\n\r\n");
const NEVER = Number.POSITIVE_INFINITY;
const KEPT_TEXT_BYTES = 300;
const LINE_END_BYTES = 2;

/** Finds the end of one answer after another in a stream of bytes; counts the body and drops it. */
export class ResponseReader {
  #rest: Buffer = Buffer.alloc(0);
  #response: RawResponse | undefined;
  /** Bytes of the body, or of the current chunk with its line end, that are still to come. */
  #missing = 0;
  #chunked = false;

  /** The answer that ends in this chunk of bytes, if one does. */
  push(chunk: Buffer): RawResponse | undefined {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    if (!this.#response) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return this.#wait(bytes);
      this.#readHead(bytes.toString("latin1", 0, end));
      bytes = bytes.subarray(end + HEAD_END.length);
    }
    return this.#chunked ? this.#readChunks(bytes) : this.#readLength(bytes);
  }

  #wait(rest: Buffer): undefined {
    this.#rest = rest;
    return undefined;
  }

  #readHead(head: string): void {
    this.#response = { status: Number(head.slice(9, 12)), bodyBytes: 0, text: "" };
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#missing = this.#chunked ? 0 : length === undefined ? NEVER : Number(length);
  }

  #readLength(bytes: Buffer): RawResponse | undefined {
    this.#take(bytes.subarray(0, Math.min(bytes.length, this.#missing)));
    const taken = Math.min(bytes.length, this.#missing);
    this.#missing -= taken;
    this.#rest = bytes.subarray(taken);
    return this.#missing === 0 ? this.#finish() : undefined;
  }

  #readChunks(start: Buffer): RawResponse | undefined {
    let bytes = start;
    for (;;) {
      if (this.#missing > 0) {
        const taken = Math.min(bytes.length, this.#missing);
        this.#take(bytes.subarray(0, Math.min(taken, Math.max(0, this.#missing - LINE_END_BYTES))));
        this.#missing -= taken;
        bytes = bytes.subarray(taken);
        if (this.#missing > 0) return this.#wait(bytes);
      }
      const line = bytes.indexOf("\r\n");
      if (line < 0) return this.#wait(bytes);
      const size = Number.parseInt(bytes.toString("latin1", 0, line), 16);
      if (size === 0) {
        if (bytes.length < line + 4) return this.#wait(bytes);
        this.#rest = bytes.subarray(line + 4);
        return this.#finish();
      }
      this.#missing = size + LINE_END_BYTES;
      bytes = bytes.subarray(line + LINE_END_BYTES);
    }
  }

  #take(bytes: Buffer): void {
    const response = this.#response;
    if (!response) return;
    response.bodyBytes += bytes.length;
    if (response.status >= 300 && response.text.length < KEPT_TEXT_BYTES)
      response.text += bytes.toString("utf8", 0, KEPT_TEXT_BYTES);
  }

  #finish(): RawResponse | undefined {
    const response = this.#response;
    this.#response = undefined;
    return response;
  }
}
