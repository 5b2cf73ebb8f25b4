import { createServer } from "node:https";
import express from "express";
import type { ServerOptions } from "../jobs/jobs.js";
import { groupCommit } from "./group-commit.js";
import { listening, readBody, sendJson } from "./https-server.js";

/** The same work as the bare HTTPS handler, behind Express. */
export async function serve({ tls, file, body = "{}" }: ServerOptions): Promise<{ port: number }> {
  const store = file === undefined ? undefined : groupCommit(file);
  const stored = Buffer.from(body);
  const app = express();
  app.disable("etag");
  app.disable("x-powered-by");
  app.post("/api/v1/namespaces/:namespace/:resource", (request, response) => {
    readBody(request, (bytes) => store?.(bytes, (json) => sendJson(response, 201, Buffer.from(json))));
  });
  app.get("/api/v1/namespaces/:namespace/:resource/:name", (_request, response) =>
    sendJson(response, 200, stored),
  );
  return {
    port: await listening(createServer(tls ?? {}, (request, response) => void app(request, response))),
  };
}
