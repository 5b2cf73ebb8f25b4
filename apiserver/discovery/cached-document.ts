import { createHash } from "node:crypto";
import type { HttpRequest, HttpResponse } from "../../machinery/api/http.js";

/** A document that is answered again and again: its bytes and their hash. */
export interface CachedDocument {
  bytes: Uint8Array;
  /** SHA-512 in upper-case hex, the server's ETag. */
  hash: string;
}

export function cacheDocument(value: unknown): CachedDocument {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, hash: hashText(bytes) };
}

export const hashText = (text: Uint8Array | string): string =>
  createHash("sha512").update(text).digest("hex").toUpperCase();

/** The document, or 304 when the client already has it. */
export function answerDocument(
  request: HttpRequest,
  { bytes, hash }: CachedDocument,
  contentType: string,
  headers: Record<string, string> = {},
): HttpResponse {
  const etag = `"${hash}"`;
  const common = { ...headers, etag, vary: "Accept" };
  const known = request.headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.includes(etag) || known?.includes("*"))
    return { status: 304, headers: common, body: new Uint8Array() };
  return { status: 200, headers: { ...common, "content-type": contentType }, body: bytes };
}
