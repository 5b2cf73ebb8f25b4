import { get } from "node:http";
import type { Target } from "../jobs/raw-client.js";

/** A port of this machine. */
export const local = ({ port }: { port: number }): Target => ({ host: "127.0.0.1", port });

/** What is there; undefined as long as nobody serves it. */
export const pageAt = ({ host, port }: Target, path = "/"): Promise<string | undefined> =>
  new Promise((resolve) => {
    const call = get({ host, port, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", () => resolve(undefined));
      response.once("end", () =>
        resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString("utf8") : undefined),
      );
    });
    call.once("error", () => resolve(undefined));
  });
