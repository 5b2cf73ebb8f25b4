import { constants, inflateRawSync } from "node:zlib";

const WORDS =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status";
const PHRASES = ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"];
const REST =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

const sized = (text: string): Uint8Array => {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeUInt32BE(text.length);
  bytes.write(text, 4, "latin1");
  return bytes;
};

/** What both ends of SPDY/3 know before the first header: draft 3, section 2.6.10.1. */
const DICTIONARY = Buffer.concat([
  ...[...WORDS.split(" "), ...PHRASES].map(sized),
  Buffer.from(REST, "latin1"),
]);

/** zlib's header: deflate, 32 KiB window, preset dictionary and its checksum. */
const ZLIB_HEADER = Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]);
const DEFLATE = 8;
/** An empty stored block: readers hand out what they have when they meet it. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);
const WINDOW_BYTES = 32 * 1024;
const LARGEST_STORED_BYTES = 65_535;
const LARGEST_HEADERS_BYTES = 64 * 1024;

/** Reads the header blocks of one connection, in their order: they share one compression state. */
export class HeaderReader {
  #window: Buffer = DICTIONARY;
  #first = true;

  /** Throws on what is no header block: RangeError, or zlib's error. */
  read(block: Uint8Array): Map<string, string> {
    if (this.#first && ((block[0] ?? 0) & 0x0f) !== DEFLATE) throw new RangeError("not compressed with zlib");
    const deflated = this.#first ? block.subarray(ZLIB_HEADER.length) : block;
    this.#first = false;
    // Each block ends at a byte, so it can be read alone once it is given the bytes that it may refer back to.
    const plain = inflateRawSync(deflated, {
      dictionary: this.#window,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: LARGEST_HEADERS_BYTES,
    });
    this.#window = Buffer.concat([this.#window, plain]).subarray(-WINDOW_BYTES);
    return parseHeaders(plain);
  }
}

function parseHeaders(plain: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const next = (): string => {
    const end = at + 4 + plain.readUInt32BE(at);
    if (end > plain.length) throw new RangeError("header longer than its block");
    const text = plain.toString("latin1", at + 4, end);
    at = end;
    return text;
  };
  for (let left = plain.readUInt32BE(0); left > 0; left--) headers.set(next().toLowerCase(), next());
  return headers;
}

/** Writes header blocks of one connection, uncompressed as deflate allows. */
export class HeaderWriter {
  #first = true;

  write(headers: ReadonlyMap<string, string>): Uint8Array {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(headers.size);
    const plain = Buffer.concat([count, ...[...headers].flat().map(sized)]);
    if (plain.length > LARGEST_STORED_BYTES) throw new RangeError("headers too large");
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(plain.length, 1);
    stored.writeUInt16LE(plain.length ^ 0xffff, 3);
    const parts = [...(this.#first ? [ZLIB_HEADER] : []), stored, plain, FLUSH];
    this.#first = false;
    return Buffer.concat(parts);
  }
}
