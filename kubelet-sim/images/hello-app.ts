import { runHttpService } from "./http-service.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";
import { goLogTime, textAnswer } from "./text-answer.js";

/** The sample of many tutorials: says hello, its version and its pod. */
export const helloApp: Image = {
  repositories: [
    "gcr.io/google-samples/hello-app",
    "us-docker.pkg.dev/google-samples/containers/gke/hello-app",
  ],
  sizeBytes: 13_745_365,
  entrypoint: ["/hello-app"],
  cmd: [],
  env: (tag) => ({ HELLO_VERSION: /^\d+\.\d+$/.test(tag) ? `${tag}.0` : "1.0.0" }),
  programs: { "/hello-app": runHelloApp },
};

async function runHelloApp(process: Process): Promise<number> {
  const port = Number(process.environment.get("PORT") ?? 8080);
  const version = process.environment.get("HELLO_VERSION") ?? "1.0.0";
  const log = (text: string): Promise<void> =>
    process.stderr.write(`${goLogTime(process.clock.nowMs())} ${text}\n`);
  return runHttpService(process, {
    ports: [port],
    onListening: () => process.background(() => log(`Server listening on port ${port}`)),
    handler: async (request) => {
      await log(`Serving request: ${request.path}`);
      return textAnswer(`Hello, world!\nVersion: ${version}\nHostname: ${process.hostname}\n`);
    },
    stopOn: { SIGTERM: { how: "fast", exitCode: 2 }, SIGINT: { how: "fast", exitCode: 2 } },
  });
}
