import type { IncomingMessage } from "node:http";
import { TransportError } from "../../api/http.js";
import { newRequestEntityTooLarge, type StatusError } from "../../api/status.js";

/** Bodies up to this size are collected before the handler is called: an iterator costs more than the wait. */
const SMALL_BODY_BYTES = 64 * 1024;

export type RequestBody = Uint8Array | AsyncIterable<Uint8Array> | undefined;

/**
 * The body of a request, undefined when it has none. One longer than `limitBytes` throws a 413 StatusError at its reader.
 * A promise only where the body is small and of known length.
 */
export function requestBody(
  incoming: IncomingMessage,
  limitBytes: number,
): RequestBody | Promise<Uint8Array> {
  const { "content-length": length, "transfer-encoding": encoding } = incoming.headers;
  const bytes = Number(length ?? 0);
  if (encoding === undefined && bytes === 0) return undefined;
  if (encoding === undefined && bytes <= SMALL_BODY_BYTES && bytes <= limitBytes) return collect(incoming);
  return limitedBody(incoming, bytes, limitBytes);
}

const collect = (incoming: IncomingMessage): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    incoming.once("close", () => {
      if (!incoming.complete) reject(new TransportError("the request body broke off"));
    });
  });

async function* limitedBody(
  incoming: IncomingMessage,
  announcedBytes: number,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  const tooLarge = (): StatusError => newRequestEntityTooLarge(`limit is ${limitBytes}`);
  if (announcedBytes > limitBytes) throw tooLarge();
  let total = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > limitBytes) throw tooLarge();
    yield chunk;
  }
}
