import type { Http1Request } from "../../machinery/network/http1-server.js";
import { decodeRequestPath, toHttpDate } from "./http-service.js";
import { mediaTypeOf } from "./media-types.js";
import {
  chooseLocation,
  type Directive,
  type NginxLocation,
  type NginxServer,
  type NginxSite,
} from "./nginx-config.js";
import { proxyPass } from "./nginx-proxy.js";
import type { Process } from "./process.js";

export interface NginxAnswer {
  status: number;
  headers: Record<string, string>;
  /** Empty with an error status: the error page goes there. */
  body: Uint8Array;
}

const EMPTY = new Uint8Array();
const error = (status: number): NginxAnswer => ({ status, headers: {}, body: EMPTY });

/** What nginx answers to a request: `return`, `proxy_pass`, or a file. */
export async function answerRequest(
  process: Process,
  site: NginxSite,
  request: Http1Request,
): Promise<NginxAnswer> {
  const server = chooseServer(site.servers, request);
  const path = decodeRequestPath(request.path);
  if (!server || path === undefined) return error(400);
  const location = chooseLocation(server, path);
  const scope = [...(location?.directives ?? []), ...server.directives];
  const answer = await answerIn({ process, site, request }, path, location, scope);
  for (const { name, args } of scope) {
    if (name !== "add_header" || args[0] === undefined) continue;
    if (answer.status < 400 || args[2] === "always") {
      answer.headers[args[0].toLowerCase()] = interpolate(args[1] ?? "", process, request);
    }
  }
  return answer;
}

async function answerIn(
  { process, site, request }: { process: Process; site: NginxSite; request: Http1Request },
  path: string,
  location: NginxLocation | undefined,
  scope: readonly Directive[],
): Promise<NginxAnswer> {
  const own = location?.directives ?? scope;
  const returned = first(own, "return") ?? first(scope, "return");
  if (returned) return answerReturn(process, request, scope, returned);
  const proxied = first(own, "proxy_pass");
  if (proxied)
    return proxyPass(process, request, {
      target: proxied[0] ?? "",
      locationPath: location?.path ?? "/",
      site,
      triesNext: first(scope, "proxy_next_upstream")?.[0] !== "off",
    });
  if (first(own, "stub_status")) return stubStatus();
  if (request.method !== "GET" && request.method !== "HEAD") return error(405);
  return answerFile(process, request, path, location, scope);
}

function chooseServer(servers: readonly NginxServer[], request: Http1Request): NginxServer | undefined {
  const onPort = servers.filter((server) => server.ports.includes(request.connection.local.port));
  const host = request.headers["host"]?.split(":", 1)[0] ?? "";
  return onPort.find((server) => server.names.includes(host)) ?? onPort[0];
}

const first = (directives: readonly Directive[], name: string): readonly string[] | undefined =>
  directives.find((directive) => directive.name === name)?.args;

function answerReturn(
  process: Process,
  request: Http1Request,
  scope: readonly Directive[],
  [code = "", text]: readonly string[],
): NginxAnswer {
  if (!/^\d{3}$/.test(code)) return { status: 302, headers: { location: code }, body: EMPTY };
  const status = Number(code);
  const value = interpolate(text ?? "", process, request);
  if (status >= 301 && status <= 308 && status !== 304 && value) {
    return { status, headers: { location: value }, body: EMPTY };
  }
  const type = first(scope, "default_type")?.[0] ?? "application/octet-stream";
  return { status, headers: { "content-type": type }, body: Buffer.from(value, "utf8") };
}

function interpolate(text: string, process: Process, request: Http1Request): string {
  return text.replace(/\$\{?([a-z0-9_]+)\}?/g, (whole, name: string) => {
    switch (name) {
      case "hostname":
        return process.hostname;
      case "host":
        return request.headers["host"]?.split(":", 1)[0] ?? "";
      case "http_host":
        return request.headers["host"] ?? "";
      case "remote_addr":
        return request.connection.remote.ip;
      case "remote_port":
        return String(request.connection.remote.port);
      case "server_addr":
        return request.connection.local.ip;
      case "server_port":
        return String(request.connection.local.port);
      case "request_method":
        return request.method;
      case "request_uri":
        return request.path;
      case "uri":
        return request.path.split("?", 1)[0] ?? "";
      case "args":
      case "query_string":
        return request.path.split("?")[1] ?? "";
      case "scheme":
        return "http";
      default:
        return name.startsWith("http_") ? (request.headers[name.slice(5).replaceAll("_", "-")] ?? "") : whole;
    }
  });
}

function answerFile(
  process: Process,
  request: Http1Request,
  path: string,
  location: NginxLocation | undefined,
  scope: readonly Directive[],
): NginxAnswer {
  const alias = first(location?.directives ?? [], "alias")?.[0];
  const root = first(scope, "root")?.[0] ?? "/usr/share/nginx/html";
  const fileOf = (uri: string): string =>
    alias === undefined ? `${root}${uri}` : `${alias}${uri.slice(location?.path.length ?? 0)}`;
  const tried = first(scope, "try_files");
  for (const candidate of tried ?? []) {
    if (candidate.startsWith("=")) return error(Number(candidate.slice(1)));
    const uri = candidate.replace("$uri", path);
    const stat = process.files.stat(process.path(fileOf(uri)));
    if (stat?.kind === "file") return sendFile(process, request, fileOf(uri));
    if (stat?.kind === "directory" && uri.endsWith("/")) break;
  }
  const stat = process.files.stat(process.path(fileOf(path)));
  if (!stat) return error(404);
  if (stat.kind !== "directory") return sendFile(process, request, fileOf(path));
  if (!path.endsWith("/")) return { status: 301, headers: { location: `${path}/` }, body: EMPTY };
  for (const index of first(scope, "index") ?? ["index.html"]) {
    const file = `${fileOf(path)}${index}`;
    if (process.files.stat(process.path(file))) return sendFile(process, request, file);
  }
  return error(403);
}

function sendFile(process: Process, request: Http1Request, path: string): NginxAnswer {
  const absolute = process.path(path);
  const stat = process.files.stat(absolute);
  const seconds = Math.floor((stat?.modifiedAtMs ?? 0) / 1000);
  const etag = `"${seconds.toString(16)}-${(stat?.sizeBytes ?? 0).toString(16)}"`;
  const headers = { "last-modified": toHttpDate(seconds * 1000), etag };
  if (request.headers["if-none-match"] === etag) return { status: 304, headers, body: EMPTY };
  const content = process.files.readFile(absolute);
  const all = { "content-type": mediaTypeOf(path), ...headers, "accept-ranges": "bytes" };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "");
  if (!range) return { status: 200, headers: all, body: content };
  const start = Number(range[1]);
  const end = range[2] ? Math.min(Number(range[2]), content.length - 1) : content.length - 1;
  if (start > end)
    return { status: 416, headers: { "content-range": `bytes */${content.length}` }, body: EMPTY };
  const contentRange = { "content-range": `bytes ${start}-${end}/${content.length}` };
  return { status: 206, headers: { ...all, ...contentRange }, body: content.subarray(start, end + 1) };
}

const stubStatus = (): NginxAnswer => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body: Buffer.from(
    "Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n",
    "utf8",
  ),
});
