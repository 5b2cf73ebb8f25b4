import { formatAddress } from "../../machinery/network/addresses.js";
import { readBody } from "../../machinery/api/http.js";
import { runHttpService } from "./http-service.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";
import { textAnswer } from "./text-answer.js";

/** Gives the request back, under the pod's name. */
export const echoServer: Image = {
  repositories: ["docker.io/kicbase/echo-server", "docker.io/jmalloc/echo-server"],
  sizeBytes: 2_140_000,
  entrypoint: ["/bin/echo-server"],
  cmd: [],
  programs: { "/bin/echo-server": runEchoServer },
};

async function runEchoServer(process: Process): Promise<number> {
  const port = Number(process.environment.get("PORT") ?? 8080);
  return runHttpService(process, {
    ports: [port],
    onListening: () =>
      process.background(() => process.stdout.write(`Echo server listening on port ${port}.\n`)),
    handler: async (request) => {
      const { remote } = request.connection;
      await process.stdout.write(`${formatAddress(remote)} | ${request.method} ${request.path}\n`);
      const headers = request.rawHeaders.map(([name, value]) => `${name}: ${value}\n`).join("");
      const body = Buffer.from(await readBody(request.body)).toString("utf8");
      return textAnswer(
        `Request served by ${process.hostname}\n\nHTTP/${request.httpVersion} ${request.method} ${request.path}\n\n${headers}${body === "" ? "" : `\n${body}`}`,
      );
    },
    stopOn: { SIGTERM: { how: "fast", exitCode: 2 }, SIGINT: { how: "fast", exitCode: 2 } },
  });
}
