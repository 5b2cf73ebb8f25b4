import type { Http1Answer, Http1Request } from "../../machinery/network/http1-server.js";
import { reasonPhrase } from "../../machinery/network/http1-writer.js";
import { debianPrograms } from "../shell/programs.js";
import { FileError } from "./files.js";
import { runHttpService, toAccessLogTime, toHttpDate } from "./http-service.js";
import type { Image } from "./image.js";
import {
  NginxConfigError,
  parseNginxConfig,
  type Directive,
  type NginxSite,
  toSite,
} from "./nginx-config.js";
import { DEFAULT_CONF, ENTRYPOINT_LINES, ERROR_PAGE_50X, NGINX_CONF, WELCOME_PAGE } from "./nginx-pages.js";
import { answerRequest } from "./nginx-serve.js";
import type { Process, Signal } from "./process.js";

const KEEPALIVE_TIMEOUT_MS = 65_000;
const LATEST = "1.27.5";
/** One copy for all the logs that begin with it. */
const ENTRYPOINT_BYTES = Buffer.from(ENTRYPOINT_LINES, "utf8");

export const nginx: Image = {
  repositories: [
    "docker.io/library/nginx",
    "docker.io/nginxinc/nginx-unprivileged",
    "registry.k8s.io/e2e-test-images/nginx",
    "public.ecr.aws/nginx/nginx",
    "public.ecr.aws/docker/library/nginx",
    "mirror.gcr.io/library/nginx",
  ],
  sizeBytes: 72_404_038,
  entrypoint: ["/docker-entrypoint.sh"],
  cmd: ["nginx", "-g", "daemon off;"],
  env: (tag) => ({ NGINX_VERSION: versionOf(tag), PKG_RELEASE: "1~bookworm" }),
  stopSignal: "SIGQUIT",
  programs: { ...debianPrograms, "/docker-entrypoint.sh": entrypoint, "/usr/sbin/nginx": runNginx },
  directories: ["/etc/nginx/conf.d", "/docker-entrypoint.d", "/var/cache/nginx", "/var/log/nginx"],
  files: {
    "/etc/nginx/nginx.conf": NGINX_CONF,
    "/etc/nginx/conf.d/default.conf": DEFAULT_CONF,
    "/usr/share/nginx/html/index.html": WELCOME_PAGE,
    "/usr/share/nginx/html/50x.html": ERROR_PAGE_50X,
  },
};

/** The version in a tag, made complete: `1.25-alpine` is 1.25.5, `latest` the newest. */
function versionOf(tag: string): string {
  const [major, minor, patch] = (/^\d+(\.\d+)*/.exec(tag)?.[0] ?? LATEST).split(".");
  if (minor === undefined) return LATEST;
  return `${major}.${minor}.${patch ?? "5"}`;
}

async function entrypoint(process: Process): Promise<number> {
  const [, ...argv] = process.argv;
  if (argv[0] === "nginx") await process.stdout.write(ENTRYPOINT_BYTES);
  return process.exec(argv);
}

async function runNginx(process: Process): Promise<number> {
  const version = process.environment.get("NGINX_VERSION") ?? LATEST;
  if (process.argv.includes("-v")) {
    await process.stderr.write(`nginx version: nginx/${version}\n`);
    return 0;
  }
  const order = process.argv[process.argv.indexOf("-s") + 1];
  if (process.argv.includes("-s")) return signalMaster(process, order ?? "");
  const loaded = await loadSite(process);
  if (!loaded) return 1;
  if (process.argv.includes("-t")) {
    await process.stderr.write(
      "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful\n",
    );
    return 0;
  }
  if (process.argv.some((arg) => /daemon\s+off/.test(arg))) return runMaster(process, loaded, version);
  // As a daemon: the caller goes on at once, and a container whose PID 1 this was ends.
  process.spawn({
    argv: ["nginx: master process nginx"],
    run: (daemon) => runMaster(daemon, loaded, version),
  });
  return 0;
}

async function runMaster(process: Process, loaded: NginxSite, version: string): Promise<number> {
  let site = loaded;
  const notice = (text: string): Promise<void> => log(process, "notice", text);
  await notice('using the "epoll" event method');
  await notice(`nginx/${version}`);
  await notice("start worker processes");
  process.onSignal("SIGHUP", () =>
    process.background(async () => {
      await notice("signal 1 (SIGHUP) received, reconfiguring");
      site = (await loadSite(process)) ?? site;
    }),
  );
  return runHttpService(process, {
    idleTimeoutMs: KEEPALIVE_TIMEOUT_MS,
    ports: [...new Set(site.servers.flatMap((server) => server.ports))],
    largestBodyBytes: Infinity,
    handler: (request) => serve(process, site, version, request),
    refuse: (status) => errorAnswer(status, version),
    onPortTaken: async (port) => {
      const message = `bind() to 0.0.0.0:${port} failed (98: Address already in use)`;
      await log(process, "emerg", message);
      await process.stderr.write(`nginx: [emerg] ${message}\n`);
    },
    stopOn: {
      SIGQUIT: { how: "graceful", exitCode: 0 },
      SIGTERM: { how: "fast", exitCode: 0 },
      SIGINT: { how: "fast", exitCode: 0 },
    },
    onSignal: (signal) => {
      const [number, what] =
        signal === "SIGQUIT" ? [3, "shutting down"] : [signal === "SIGINT" ? 2 : 15, "exiting"];
      process.background(() => notice(`signal ${number} (${signal}) received, ${what}`));
    },
  });
}

const ORDERS = new Map<string, Signal>([
  ["reload", "SIGHUP"],
  ["quit", "SIGQUIT"],
  ["stop", "SIGTERM"],
]);

/** `nginx -s reload` */
async function signalMaster(process: Process, order: string): Promise<number> {
  const signal = ORDERS.get(order);
  const master = process
    .processes()
    .find(({ pid, argv }) => pid !== process.id && argv[0]?.startsWith("nginx"));
  if (signal && master && process.kill(master.pid, signal)) return 0;
  await process.stderr.write(`nginx: invalid option: "-s ${order}"\n`);
  return 1;
}

async function loadSite(process: Process): Promise<NginxSite | undefined> {
  try {
    return toSite(includeFiles(process, "/etc/nginx/nginx.conf", 0));
  } catch (err) {
    if (!(err instanceof NginxConfigError || err instanceof FileError)) throw err;
    await log(process, "emerg", err.message);
    await process.stderr.write(`nginx: [emerg] ${err.message}\n`);
    return undefined;
  }
}

/** The directives of a file with its `include`s in place. */
function includeFiles(process: Process, path: string, depth: number): readonly Directive[] {
  if (depth > 8) throw new NginxConfigError(`too many nested includes in ${path}`);
  const resolve = (directives: readonly Directive[]): Directive[] =>
    directives.flatMap((directive) => {
      if (directive.name !== "include") {
        const { block } = directive;
        return [block.length > 0 && hasInclude(block) ? { ...directive, block: resolve(block) } : directive];
      }
      return matchingFiles(process, directive.args[0] ?? "").flatMap((file) =>
        includeFiles(process, file, depth + 1),
      );
    });
  return resolve(parseNginxConfig(process.files.readText(path), path));
}

const hasInclude = (directives: readonly Directive[]): boolean =>
  directives.some(({ name, block }) => name === "include" || hasInclude(block));

function matchingFiles(process: Process, pattern: string): string[] {
  const absolute = pattern.startsWith("/") ? pattern : `/etc/nginx/${pattern}`;
  if (!absolute.includes("*")) return absolute.endsWith("mime.types") ? [] : [absolute];
  const directory = absolute.slice(0, absolute.lastIndexOf("/"));
  const [before = "", after = ""] = absolute.slice(directory.length + 1).split("*");
  if (!process.files.stat(directory)) return [];
  return process.files
    .list(directory)
    .filter((name) => name.startsWith(before) && name.endsWith(after))
    .map((name) => `${directory}/${name}`)
    .filter((path) => process.files.stat(path)?.kind === "file");
}

async function serve(
  process: Process,
  site: NginxSite,
  version: string,
  request: Http1Request,
): Promise<Http1Answer> {
  const answer = await answerRequest(process, site, request);
  const isError = answer.status >= 300 && answer.body.length === 0 && answer.status !== 304;
  const body = isError ? errorPage(answer.status, version) : answer.body;
  await logAccess(process, request, answer.status, request.method === "HEAD" ? 0 : body.length);
  const { "content-type": type, ...rest } = answer.headers;
  return {
    status: answer.status,
    body,
    headers: {
      server: `nginx/${version}`,
      date: toHttpDate(process.clock.nowMs()),
      "content-type": isError ? "text/html" : (type ?? "application/octet-stream"),
      ...(answer.status === 304 ? {} : { "content-length": String(body.length) }),
      connection: wantsClose(request) ? "close" : "keep-alive",
      ...rest,
    },
  };
}

const wantsClose = (request: Http1Request): boolean => {
  const wanted = request.headers["connection"]?.toLowerCase();
  return request.httpVersion === "1.0" ? wanted !== "keep-alive" : wanted === "close";
};

async function logAccess(
  process: Process,
  request: Http1Request,
  status: number,
  sizeBytes: number,
): Promise<void> {
  const { headers, connection, method, path, httpVersion } = request;
  const time = toAccessLogTime(process.clock.nowMs());
  const agent = headers["user-agent"] ?? "-";
  await process.stdout.write(
    `${connection.remote.ip} - - [${time}] "${method} ${path} HTTP/${httpVersion}" ${status} ${sizeBytes} "${headers["referer"] ?? "-"}" "${agent}" "${headers["x-forwarded-for"] ?? "-"}"\n`,
  );
}

function log(process: Process, level: string, text: string): Promise<void> {
  const time = new Date(process.clock.nowMs())
    .toISOString()
    .slice(0, 19)
    .replaceAll("-", "/")
    .replace("T", " ");
  return process.stderr.write(`${time} [${level}] ${process.id}#${process.id}: ${text}\n`);
}

const errorPage = (status: number, version: string): Uint8Array => {
  const title = `${status} ${reasonPhrase(status)}`;
  return Buffer.from(
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/${version}</center>\r\n</body>\r\n</html>\r\n`,
    "utf8",
  );
};

const errorAnswer = (status: number, version: string): Http1Answer => ({
  status,
  headers: { server: `nginx/${version}`, "content-type": "text/html", connection: "close" },
  body: errorPage(status, version),
});
