import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { ServerOptions } from "../jobs/jobs.js";
import { groupCommit } from "./group-commit.js";

/**
 * A bare HTTPS handler: POST and PUT store what they get (group commit) and tell whoever watches, GET answers one body,
 * GET with `watch` stays open.
 */
export async function serve({ tls, file, body = "{}" }: ServerOptions): Promise<{ port: number }> {
  const store = file === undefined ? undefined : groupCommit(file);
  const stored = Buffer.from(body);
  const watchers = new Set<ServerResponse>();
  const write = (bytes: Buffer, response: ServerResponse): void =>
    store?.(bytes, (json) => {
      sendJson(response, 201, Buffer.from(json));
      if (watchers.size === 0) return;
      const frame = Buffer.from(`{"type":"MODIFIED","object":${json}}\n`);
      for (const watcher of watchers) watcher.write(frame);
    });
  const server = createServer(tls ?? {}, (request, response) => {
    if (request.method !== "GET") return readBody(request, (bytes) => write(bytes, response));
    if (!request.url?.includes("watch=")) return sendJson(response, 200, stored);
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    watchers.add(response);
    response.on("close", () => watchers.delete(response));
  });
  return { port: await listening(server) };
}

export function readBody(request: IncomingMessage, done: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => done(Buffer.concat(chunks)));
}

export function sendJson(response: ServerResponse, status: number, bytes: Buffer): void {
  response
    .writeHead(status, { "content-type": "application/json", "content-length": bytes.length })
    .end(bytes);
}

/** Listens on a free port of 127.0.0.1. */
export function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}
