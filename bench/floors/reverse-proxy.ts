import { Agent, createServer, request } from "node:http";
import type { ServerOptions } from "../jobs/jobs.js";
import { listening } from "./https-server.js";

/** The least that an L7 proxy made of Node.js' own HTTP can be: kept connections on both sides, nothing decided. */
export async function serve({ upstreamPort = 0 }: ServerOptions): Promise<{ port: number }> {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    const call = request(
      { host: "127.0.0.1", port: upstreamPort, method, path: url, headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    call.on("error", () => response.destroy());
    incoming.pipe(call);
  });
  return { port: await listening(server) };
}
