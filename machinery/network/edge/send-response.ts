import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex, Writable } from "node:stream";
import type { HttpResponse } from "../../api/http.js";

/**
 * Writes an answer. A streamed body is read no faster than the client takes it, and is ended (its iterator's `return`)
 * as soon as the signal aborts.
 */
export async function sendResponse(
  answer: HttpResponse,
  response: ServerResponse,
  headOnly: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { body } = answer;
  if (body instanceof Uint8Array) {
    const bodyless = answer.status === 204 || answer.status === 304;
    response.writeHead(
      answer.status,
      bodyless ? answer.headers : { ...answer.headers, "content-length": body.length },
    );
    await endWith(headOnly || bodyless ? undefined : body, response);
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.flushHeaders();
  await pump(headOnly ? nothing() : body, response, signal);
  response.end();
}

/** Less than what a socket buffers before it asks its writer to wait. */
const TAIL_BYTES = 4096;

/**
 * Node.js 20 breaks a TLS connection off when a request with a longer body arrives while the socket still asks to wait
 * after the answer before (HPE_PAUSED): so the last bytes of a large answer are written only once it has drained.
 */
async function endWith(body: Uint8Array | undefined, response: ServerResponse): Promise<void> {
  if (body === undefined || body.length <= TAIL_BYTES) return void response.end(body);
  // The callback comes with an error when the connection is gone; then the end is lost as well.
  await new Promise<void>((resolve) => response.write(body.subarray(0, -TAIL_BYTES), () => resolve()));
  response.end(body.subarray(-TAIL_BYTES));
}

/** The same on a bare socket, for a request that asked for an upgrade and does not get it. Closes the connection. */
export async function writeRawResponse(
  answer: HttpResponse,
  socket: Duplex,
  signal: AbortSignal,
): Promise<void> {
  const { body } = answer;
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    ...Object.entries(answer.headers)
      .filter(([name]) => !["connection", "transfer-encoding", "content-length"].includes(name.toLowerCase()))
      .map(([name, value]) => `${name}: ${value}`),
    ...(body instanceof Uint8Array ? [`Content-Length: ${body.length}`] : []),
    "Connection: close",
    "\r\n",
  ];
  socket.write(lines.join("\r\n"), "latin1");
  if (body instanceof Uint8Array) socket.write(body);
  else await pump(body, socket, signal);
  socket.end();
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function pump(body: AsyncIterable<Uint8Array>, to: Writable, signal: AbortSignal): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  let wake: (() => void) | undefined;
  const onAbort = (): void => wake?.();
  signal.addEventListener("abort", onAbort);
  // A race against one lasting promise would keep a reaction for every chunk of an endless watch.
  const orAborted = <T>(step: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      step.then(resolve, reject);
    });
  try {
    while (!signal.aborted) {
      const next = await orAborted(iterator.next());
      if (!next || next.done) return;
      if (!to.write(next.value)) await orAborted(drained(to));
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited: a generator that is suspended in an await settles its return only after that await.
    iterator.return?.()?.catch(() => {});
  }
}

/** Resolves when `to` can take more, or is gone. */
export const drained = (to: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done);
      to.off("close", done);
      resolve();
    };
    to.on("drain", done);
    to.on("close", done);
  });
