import { chmodSync, rmSync } from "node:fs";
import { createServer, request, type ServerResponse } from "node:http";
import { activeResources } from "./turn.js";

/** JSON in, JSON out; an async iterable streams JSON lines; a string is sent as text. A throw answers 500. */
export type AdminHandler = (call: { query: URLSearchParams; body: unknown; signal: AbortSignal }) => unknown;

/** Keys are `GET /tables`. Handlers know nothing of sockets, so a simulated cluster calls them directly. */
export type AdminHandlers = Readonly<Record<string, AdminHandler>>;

const LARGEST_BODY_BYTES = 256 * 1024 * 1024;

/** What every process can say of itself: which start it is, and what its event loop waits for. */
const ownHandlers: AdminHandlers = {
  "GET /resources": () => {
    const names = activeResources();
    const timers = names.filter((name) => name === "Timeout" || name === "Immediate").length;
    return { start: String(process.pid), counts: { timers, sockets: names.length - timers } };
  },
};

/** Serves what is offered on a Unix socket of mode 0600. A socket file that nobody answers on is replaced. */
export async function startAdminServer(
  socketPath: string,
  offered: AdminHandlers,
): Promise<{ close(): Promise<void> }> {
  const handlers: AdminHandlers = { ...ownHandlers, ...offered };
  const server = createServer((incoming, response) => {
    const [path = "", ...query] = (incoming.url ?? "/").split("?");
    const route = `${incoming.method} ${path}`;
    const handler = Object.hasOwn(handlers, route) ? handlers[route] : undefined;
    if (!handler) return void response.writeHead(404).end(JSON.stringify({ error: "no such handler" }));
    const chunks: Buffer[] = [];
    let size = 0;
    const controller = new AbortController();
    response.on("close", () => controller.abort());
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_BODY_BYTES) incoming.destroy();
      else chunks.push(chunk);
    });
    incoming.on("end", () => {
      answer(response, async () =>
        handler({
          query: new URLSearchParams(query.join("?")),
          body: size ? JSON.parse(Buffer.concat(chunks).toString("utf8")) : undefined,
          signal: controller.signal,
        }),
      ).catch(() => response.destroy());
    });
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    rmSync(socketPath, { force: true });
    server.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(response: ServerResponse, call: () => Promise<unknown>): Promise<void> {
  let result: unknown;
  try {
    result = await call();
  } catch (err) {
    response.writeHead(500, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: err instanceof Error ? err.message : String(err) }));
    return;
  }
  if (typeof result === "string") {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(result);
  } else if (isAsyncIterable(result)) {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.flushHeaders();
    for await (const line of result) {
      // One that is gone neither drains nor closes again.
      if (response.destroyed) return;
      if (!response.write(`${JSON.stringify(line)}\n`)) await drained(response);
    }
    response.end();
  } else {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result ?? {}));
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** No answer on an admin socket, or an answer that says the call failed. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  /** 0 when nobody answered. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One call, `adminCall(path, "GET", "/tables")`. Rejects with AdminError. */
export async function adminCall(
  socketPath: string,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let type = "";
  for await (const chunk of openAdminStream(socketPath, method, path, body, signal, (t) => (type = t)))
    chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  return type.startsWith("application/json") ? JSON.parse(text) : text;
}

/** A call whose answer is JSON lines that may never end; aborting the signal ends it. */
export async function* adminStream(
  socketPath: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of openAdminStream(socketPath, "GET", path, undefined, signal)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

async function* openAdminStream(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
  onType?: (contentType: string) => void,
): AsyncGenerator<Uint8Array> {
  const response = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    const call = request({ socketPath, method, path, agent: false, ...(signal ? { signal } : {}) }, resolve);
    call.on("error", (err) => reject(new AdminError(0, err.message)));
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
  onType?.(response.headers["content-type"] ?? "");
  if (response.statusCode !== 200) {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    throw new AdminError(response.statusCode ?? 500, Buffer.concat(chunks).toString("utf8"));
  }
  for await (const chunk of response) yield chunk as Uint8Array;
}
