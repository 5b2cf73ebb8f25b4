import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import type { HttpResponse } from "../../machinery/api/http.js";
import { type ProxiedAt, rewriteLink, rewriteLinks } from "./proxy-links.js";

/** A page longer than this goes through as it is. */
const LARGEST_PAGE_BYTES = 8 * 1024 * 1024;

/** What a backend says about other origins does not hold for the API server's (corsRemovingTransport). */
const CORS = [
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
];

interface Coding {
  decode(bytes: Uint8Array): Uint8Array;
  encode(bytes: Uint8Array): Uint8Array;
}

const limit = { maxOutputLength: LARGEST_PAGE_BYTES };
const CODINGS: Readonly<Record<string, Coding>> = {
  "": { decode: (bytes) => bytes, encode: (bytes) => bytes },
  gzip: { decode: (bytes) => gunzipSync(bytes, limit), encode: (bytes) => gzipSync(bytes) },
  deflate: { decode: (bytes) => inflateSync(bytes, limit), encode: (bytes) => deflateSync(bytes) },
};

// Upstream: apimachinery pkg/util/proxy Transport.RoundTrip.
/** A backend's answer as the API server passes it on: redirects and the links of HTML pages lead back through it. */
export async function proxiedResponse(
  response: HttpResponse,
  at: ProxiedAt,
  method: string,
): Promise<HttpResponse> {
  const headers: Record<string, string> = { ...response.headers };
  for (const name of CORS) delete headers[name];
  const location = headers["location"];
  if (location) return { ...response, headers: { ...headers, location: rewriteLink(location, at) } };
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim();
  const coding = CODINGS[headers["content-encoding"] ?? ""];
  if (type !== "text/html" || !coding || method === "HEAD") return { ...response, headers };
  const { whole, body } = await wholePage(response.body);
  const page = whole && rewritten(whole, coding, at);
  if (!page) return { ...response, headers, body };
  return { ...response, headers: { ...headers, "content-length": String(page.length) }, body: page };
}

/** Undefined for what is not in the coding that it claims. Latin 1 keeps every byte, and links are ASCII. */
function rewritten(bytes: Uint8Array, coding: Coding, at: ProxiedAt): Uint8Array | undefined {
  try {
    const html = Buffer.from(coding.decode(bytes)).toString("latin1");
    return coding.encode(Buffer.from(rewriteLinks(html, at), "latin1"));
  } catch {
    return undefined;
  }
}

type Body = HttpResponse["body"];

/** The page when it is not too long, and in any case a body from its first byte. */
async function wholePage(body: Body): Promise<{ whole?: Uint8Array; body: Body }> {
  if (body instanceof Uint8Array) return { whole: body, body };
  const chunks: Uint8Array[] = [];
  let total = 0;
  const rest = body[Symbol.asyncIterator]();
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    chunks.push(next.value);
    total += next.value.length;
    if (total > LARGEST_PAGE_BYTES) return { body: continued(chunks, rest) };
  }
  const whole = Buffer.concat(chunks);
  return { whole, body: whole };
}

async function* continued(
  chunks: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
