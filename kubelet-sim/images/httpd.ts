import type { Http1Answer, Http1Request } from "../../machinery/network/http1-server.js";
import { reasonPhrase } from "../../machinery/network/http1-writer.js";
import { debianPrograms } from "../shell/programs.js";
import { decodeRequestPath, runHttpService, toAccessLogTime } from "./http-service.js";
import type { Image } from "./image.js";
import { mediaTypeOf } from "./media-types.js";
import type { Process } from "./process.js";

const ROOT = "/usr/local/apache2/htdocs";
const SERVER = "Apache/2.4.65 (Unix)";

export const httpd: Image = {
  repositories: [
    "docker.io/library/httpd",
    "registry.k8s.io/e2e-test-images/httpd",
    "public.ecr.aws/docker/library/httpd",
    "mirror.gcr.io/library/httpd",
  ],
  sizeBytes: 45_310_000,
  entrypoint: [],
  cmd: ["httpd-foreground"],
  env: () => ({
    PATH: "/usr/local/apache2/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  }),
  workingDir: "/usr/local/apache2",
  stopSignal: "SIGWINCH",
  programs: {
    ...debianPrograms,
    "/usr/local/bin/httpd-foreground": runHttpd,
    "/usr/local/apache2/bin/httpd": runHttpd,
  },
  files: { [`${ROOT}/index.html`]: "<html><body><h1>It works!</h1></body></html>\n" },
};

async function runHttpd(process: Process): Promise<number> {
  const notice = async (text: string): Promise<void> => {
    const time = new Date(process.clock.nowMs()).toUTCString().replace(",", "").replace(" GMT", "");
    await process.stderr.write(`[${time}] [${text}\n`);
  };
  return runHttpService(process, {
    ports: [80],
    onListening: () =>
      process.background(() =>
        notice(`mpm_event:notice] [pid 1:tid 1] AH00489: ${SERVER} configured -- resuming normal operations`),
      ),
    handler: async (request) => {
      const answer = answerFile(process, request);
      const time = toAccessLogTime(process.clock.nowMs());
      await process.stdout.write(
        `${request.connection.remote.ip} - - [${time}] "${request.method} ${request.path} HTTP/${request.httpVersion}" ${answer.status} ${(answer.body as Uint8Array).length}\n`,
      );
      return answer;
    },
    stopOn: {
      SIGWINCH: { how: "graceful", exitCode: 0 },
      SIGTERM: { how: "fast", exitCode: 0 },
      SIGINT: { how: "fast", exitCode: 0 },
    },
  });
}

function answerFile(process: Process, request: Http1Request): Http1Answer {
  const path = decodeRequestPath(request.path);
  if (path === undefined) return errorAnswer(process, 400);
  const file = `${ROOT}${path}`;
  const stat = process.files.stat(process.path(file));
  const target = process.path(stat?.kind === "directory" ? `${file}/index.html` : file);
  if (process.files.stat(target)?.kind !== "file") return errorAnswer(process, stat ? 403 : 404);
  if (request.method !== "GET" && request.method !== "HEAD") return errorAnswer(process, 405);
  return {
    status: 200,
    headers: { ...commonHeaders(process), "content-type": mediaTypeOf(target) },
    body: process.files.readFile(target),
  };
}

const commonHeaders = (process: Process): Record<string, string> => ({
  date: new Date(process.clock.nowMs()).toUTCString(),
  server: SERVER,
});

function errorAnswer(process: Process, status: number): Http1Answer {
  const title = `${status} ${reasonPhrase(status)}`;
  const explanation =
    status === 404 ? "The requested URL was not found on this server." : "The request could not be answered.";
  return {
    status,
    headers: { ...commonHeaders(process), "content-type": "text/html; charset=iso-8859-1" },
    body: Buffer.from(
      `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${title}</title>\n</head><body>\n<h1>${reasonPhrase(status)}</h1>\n<p>${explanation}</p>\n</body></html>\n`,
      "utf8",
    ),
  };
}
