import { createServer } from "node:http";
import type { ServerOptions } from "../jobs/jobs.js";
import { listening } from "./https-server.js";

/** What a connection without a Service would reach: one page over plain HTTP. */
export async function serve({ body = "" }: ServerOptions): Promise<{ port: number }> {
  const page = Buffer.from(body);
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html", "content-length": page.length }).end(page);
  });
  return { port: await listening(server) };
}
