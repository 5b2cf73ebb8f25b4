import { request } from "node:http";
import type { CliContext } from "./command.js";

const POLL_MS = 15;

/** Resolves with the body of the first answer of status 200; rejects when the context's signal aborts. */
export async function waitForAnswer(
  url: string,
  context: Pick<CliContext, "clock" | "signal">,
): Promise<string> {
  for (;;) {
    const body = await tryOnce(url);
    if (body !== undefined) return body;
    await context.clock.sleep(POLL_MS, context.signal);
  }
}

const tryOnce = (url: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const call = request(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve(undefined));
      response.on("end", () => {
        resolve(response.statusCode === 200 ? Buffer.concat(chunks).toString("utf8") : undefined);
      });
    });
    call.on("error", () => resolve(undefined));
    call.end();
  });
