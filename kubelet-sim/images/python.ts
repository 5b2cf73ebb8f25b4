import type { Http1Answer, Http1Request } from "../../machinery/network/http1-server.js";
import { reasonPhrase } from "../../machinery/network/http1-writer.js";
import { debianPrograms } from "../shell/programs.js";
import { decodeRequestPath, runHttpService, toHttpDate } from "./http-service.js";
import type { Image } from "./image.js";
import { mediaTypeOf } from "./media-types.js";
import type { Process } from "./process.js";

const VERSION = "3.13.5";

/** No interpreter: only `python -m http.server`, which is what Service examples run. */
export const python: Image = {
  repositories: [
    "docker.io/library/python",
    "public.ecr.aws/docker/library/python",
    "mirror.gcr.io/library/python",
  ],
  sizeBytes: 46_000_000,
  entrypoint: [],
  cmd: ["python3"],
  env: () => ({ PYTHON_VERSION: VERSION }),
  programs: { ...debianPrograms, "/usr/local/bin/python": runPython, "/usr/local/bin/python3": runPython },
};

async function runPython(process: Process): Promise<number> {
  const args = process.argv.slice(1).filter((arg) => arg !== "-u");
  if (args[0] === "--version" || args[0] === "-V") {
    await process.stdout.write(`Python ${VERSION}\n`);
    return 0;
  }
  if (args[0] === "-m" && args[1] === "http.server") return serve(process, args.slice(2));
  // Without arguments and terminal, Python reads an empty program and ends.
  if (args.length === 0 && !process.stdin.terminal) return 0;
  await process.stderr.write("python: only `python -m http.server` is emulated\n");
  return 2;
}

async function serve(process: Process, args: readonly string[]): Promise<number> {
  const port = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 8000);
  const at = args.findIndex((arg) => arg === "--directory" || arg === "-d");
  const root = process.path(at < 0 ? "." : (args[at + 1] ?? "."));
  return runHttpService(process, {
    ports: [port],
    onListening: () =>
      process.background(() =>
        process.stdout.write(`Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`),
      ),
    onPortTaken: () => process.stderr.write("OSError: [Errno 98] Address already in use\n"),
    handler: async (request) => {
      const answer = answerRequest(process, root, request);
      const time = new Date(process.clock.nowMs()).toUTCString().split(" ");
      await process.stderr.write(
        `${request.connection.remote.ip} - - [${time[1]}/${time[2]}/${time[3]} ${time[4]}] "${request.method} ${request.path} HTTP/${request.httpVersion}" ${answer.status} -\n`,
      );
      return answer;
    },
    // Python handles no SIGTERM, and as PID 1 it ignores it; SIGINT is KeyboardInterrupt.
    stopOn: { SIGINT: { how: "fast", exitCode: 0 } },
  });
}

function answerRequest(process: Process, root: string, request: Http1Request): Http1Answer {
  const path = decodeRequestPath(request.path);
  const headers = { server: `SimpleHTTP/0.6 Python/${VERSION}`, date: toHttpDate(process.clock.nowMs()) };
  const page = (status: number, text: string): Http1Answer => ({
    status,
    headers: { ...headers, "content-type": "text/html; charset=utf-8", connection: "close" },
    body: Buffer.from(text, "utf8"),
  });
  if (request.method !== "GET" && request.method !== "HEAD")
    return page(501, errorPage(501, "Unsupported method"));
  const file =
    path === undefined ? undefined : `${root === "/" ? "" : root}${path}`.replace(/\/$/, "") || "/";
  const stat = file === undefined ? undefined : process.files.stat(file);
  if (file === undefined || !stat) return page(404, errorPage(404, "File not found"));
  if (stat.kind === "directory") return page(200, listing(process, file, path ?? "/"));
  return {
    status: 200,
    headers: { ...headers, "content-type": mediaTypeOf(file), connection: "close" },
    body: process.files.readFile(file),
  };
}

function listing(process: Process, directory: string, path: string): string {
  const items = process.files.list(directory).map((name) => {
    const isDirectory =
      process.files.stat(`${directory === "/" ? "" : directory}/${name}`)?.kind === "directory";
    const shown = isDirectory ? `${name}/` : name;
    return `<li><a href="${encodeURI(shown)}">${shown}</a></li>\n`;
  });
  const title = `Directory listing for ${path}`;
  return `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n<hr>\n<ul>\n${items.join("")}</ul>\n<hr>\n</body>\n</html>\n`;
}

const errorPage = (status: number, message: string): string =>
  `<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: ${status}</p>\n        <p>Message: ${message}.</p>\n        <p>Error code explanation: ${status} - ${reasonPhrase(status)}.</p>\n    </body>\n</html>\n`;
