import { formatAddress } from "../../machinery/network/addresses.js";
import type { Http1Request } from "../../machinery/network/http1-server.js";
import { runHttpService } from "./http-service.js";
import type { Image } from "./image.js";
import type { Process } from "./process.js";
import { goFlags, goLogTime, jsonAnswer, splitTarget, textAnswer } from "./text-answer.js";

export const whoami: Image = {
  repositories: ["docker.io/traefik/whoami", "docker.io/containous/whoami", "ghcr.io/traefik/whoami"],
  sizeBytes: 2_883_584,
  entrypoint: ["/whoami"],
  cmd: [],
  programs: { "/whoami": runWhoami },
};

/** Says who answers and what was asked. */
async function runWhoami(process: Process): Promise<number> {
  const flags = goFlags(process.argv.slice(1));
  const port = Number(flags.get("port") ?? process.environment.get("WHOAMI_PORT_NUMBER") ?? 80);
  const name = flags.get("name") ?? process.environment.get("WHOAMI_NAME");
  return runHttpService(process, {
    ports: [port],
    onListening: () =>
      process.background(() =>
        process.stderr.write(`${goLogTime(process.clock.nowMs())} Starting up on port ${port}\n`),
      ),
    handler: (request) => {
      const { path } = splitTarget(request);
      if (path === "/health") return textAnswer("", 200);
      if (path === "/bench") return textAnswer("1");
      if (path === "/api") return jsonAnswer(describe(process, request, name));
      return textAnswer(describeAsText(process, request, name));
    },
    // A Go program that handles no signals: as PID 1 the runtime turns SIGTERM into exit code 2.
    stopOn: { SIGTERM: { how: "fast", exitCode: 2 }, SIGINT: { how: "fast", exitCode: 2 } },
  });
}

function describe(process: Process, request: Http1Request, name: string | undefined) {
  const { remote } = request.connection;
  return {
    hostname: process.hostname,
    ip: ["127.0.0.1", "::1", ...process.network.ips],
    headers: Object.fromEntries(request.rawHeaders.map(([key, value]) => [key, [value]])),
    url: request.path,
    host: request.headers["host"] ?? "",
    method: request.method,
    ...(name === undefined ? {} : { name }),
    remoteAddr: formatAddress(remote),
  };
}

function describeAsText(process: Process, request: Http1Request, name: string | undefined): string {
  const { ip, hostname, remoteAddr, host } = describe(process, request, name);
  const headers = request.rawHeaders
    .filter(([key]) => key.toLowerCase() !== "host")
    .map(([key, value]) => `${key}: ${value}`)
    .sort();
  return [
    ...(name === undefined ? [] : [`Name: ${name}`]),
    `Hostname: ${hostname}`,
    ...ip.map((address) => `IP: ${address}`),
    `RemoteAddr: ${remoteAddr}`,
    `${request.method} ${request.path} HTTP/${request.httpVersion}`,
    `Host: ${host}`,
    ...headers,
    "",
    "",
  ].join("\n");
}
