import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";

/** Everything that is not hot. `serve` is the pipeline, which knows discovery, OpenAPI, /version and /metrics. */
export function expressApp(
  serve: (incoming: IncomingMessage, response: ServerResponse) => void,
): (incoming: IncomingMessage, response: ServerResponse) => void {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.get("/favicon.ico", (_request, response) => void response.status(204).end());
  app.use((request, response) => serve(request, response));
  return (incoming, response) => void app(incoming, response);
}
