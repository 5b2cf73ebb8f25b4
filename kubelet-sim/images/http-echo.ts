import { formatAddress } from "../../machinery/network/addresses.js";
import { runHttpService } from "./http-service.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";
import { goFlags, goLogTime, portOfAddress, textAnswer } from "./text-answer.js";

export const httpEcho: Image = {
  repositories: ["docker.io/hashicorp/http-echo", "ghcr.io/hashicorp/http-echo"],
  sizeBytes: 2_938_240,
  entrypoint: ["/http-echo"],
  cmd: [],
  programs: { "/http-echo": runHttpEcho },
};

const DEFAULT_PORT = 5678;

/** Answers every request with one text. */
async function runHttpEcho(process: Process): Promise<number> {
  const flags = goFlags(process.argv.slice(1));
  const text = flags.get("text") ?? process.environment.get("ECHO_TEXT") ?? "hello-world";
  const listen = flags.get("listen") ?? `:${DEFAULT_PORT}`;
  const status = Number(flags.get("status-code") ?? 200);
  const port = portOfAddress(listen, DEFAULT_PORT);
  const log = (line: string): Promise<void> =>
    process.stdout.write(`${goLogTime(process.clock.nowMs())} ${line}\n`);
  return runHttpService(process, {
    ports: [port],
    onListening: () => process.background(() => log(`[INFO] server is listening on ${listen}`)),
    handler: async (request) => {
      const { remote } = request.connection;
      const agent = request.headers["user-agent"] ?? "";
      await log(
        `${request.headers["host"] ?? ""} ${formatAddress(remote)} "${request.method} ${request.path} HTTP/${request.httpVersion}" ${status} ${text.length + 1} "${agent}" 12.3µs`,
      );
      return textAnswer(`${text}\n`, status, { "x-app-name": "http-echo", "x-app-version": "1.0.0" });
    },
    stopOn: { SIGTERM: { how: "graceful", exitCode: 0 }, SIGINT: { how: "graceful", exitCode: 0 } },
  });
}
