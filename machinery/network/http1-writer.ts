import type { ByteStream, HttpHeaders } from "../api/http.js";

const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  413: "Request Entity Too Large",
  414: "Request-URI Too Large",
  415: "Unsupported Media Type",
  416: "Requested Range Not Satisfiable",
  418: "I'm a teapot",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export const reasonPhrase = (status: number): string => REASONS[status] ?? "Unknown";

const SPELLINGS = new Map([
  ["etag", "ETag"],
  ["te", "TE"],
  ["www-authenticate", "WWW-Authenticate"],
]);

/** Beyond these, spellings are worked out anew each time. */
const MOST_SPELLINGS = 256;

/** `content-type` as servers and clients write it: `Content-Type`. */
export function headerSpelling(name: string): string {
  const known = SPELLINGS.get(name);
  if (known !== undefined) return known;
  const spelled = name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
  if (SPELLINGS.size < MOST_SPELLINGS) SPELLINGS.set(name, spelled);
  return spelled;
}

/** Headers as they stand in a message: in order, spelled as sent, repeated ones apart. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

/** The start line and headers, `raw` ones last and as they are, with the empty line. Line breaks in values are taken out. */
export function encodeHead(startLine: string, headers: HttpHeaders, raw: RawHeaders = []): string {
  let text = `${startLine}\r\n`;
  for (const name in headers) text += headerLine(headerSpelling(name), headers[name] ?? "");
  for (const [name, value] of raw) text += headerLine(name, value);
  return `${text}\r\n`;
}

const headerLine = (name: string, value: string): string =>
  `${name}: ${/[\r\n]/.test(value) ? value.replace(/[\r\n]+/g, " ") : value}\r\n`;

/** Whether a list header (`connection: keep-alive, Upgrade`) has a member, whatever its case. */
export const hasToken = (value: string | undefined, token: string): boolean =>
  value !== undefined &&
  value
    .toLowerCase()
    .split(",")
    .some((part) => part.trim() === token);

/** A larger body is not worth copying to save a write. */
const MOST_COPIED_BYTES = 64 * 1024;

/** Head and body in as few writes as is worth it; an iterable goes chunk by chunk when `chunked`, else as it is. */
export async function writeMessage(
  stream: Pick<ByteStream, "write">,
  head: string,
  body: Uint8Array | AsyncIterable<Uint8Array> | undefined,
  chunked: boolean,
): Promise<void> {
  const headBytes = Buffer.from(head, "latin1");
  if (body === undefined || body instanceof Uint8Array) {
    if (!body || body.length === 0) return stream.write(headBytes);
    if (body.length <= MOST_COPIED_BYTES) return stream.write(Buffer.concat([headBytes, body]));
    await stream.write(headBytes);
    return stream.write(body);
  }
  await stream.write(headBytes);
  for await (const chunk of body) {
    if (chunk.length === 0) continue;
    await stream.write(chunked ? frameChunk(chunk) : chunk);
  }
  if (chunked) await stream.write(Buffer.from("0\r\n\r\n", "latin1"));
}

const frameChunk = (chunk: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from(`${chunk.length.toString(16)}\r\n`, "latin1"),
    chunk,
    Buffer.from("\r\n", "latin1"),
  ]);
