import { connect, createServer } from "node:net";
import type { ServerOptions } from "../jobs/jobs.js";
import { listening } from "./https-server.js";

/** The least that carrying a connection can be: dial once, copy both ways. */
export async function serve({ upstreamPort = 0, preamble }: ServerOptions): Promise<{ port: number }> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: upstreamPort, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    if (preamble !== undefined) far.write(preamble);
    near.pipe(far);
    if (preamble === undefined) far.pipe(near);
    else
      far.once("data", (chunk: Buffer) => {
        if (chunk.length > 1) near.write(chunk.subarray(1));
        far.pipe(near);
      });
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  return { port: await listening(server) };
}
