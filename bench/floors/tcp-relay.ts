import { connect, createServer } from "node:net";
import type { ServerOptions } from "../jobs/jobs.js";
import { listening } from "./https-server.js";

/** The least that carrying a connection can be: dial once, copy both ways. */
export async function serve({ upstreamPort = 0 }: ServerOptions): Promise<{ port: number }> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: upstreamPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  return { port: await listening(server) };
}
