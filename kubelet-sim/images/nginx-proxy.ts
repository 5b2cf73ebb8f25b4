import { type HttpRequest, readBody } from "../../machinery/api/http.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { Http1Error } from "../../machinery/network/http1-reader.js";
import type { Http1Request } from "../../machinery/network/http1-server.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
import type { NginxSite } from "./nginx-config.js";
import type { NginxAnswer } from "./nginx-serve.js";
import type { Process } from "./process.js";

const LARGEST_BODY_BYTES = 16 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 60_000;
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "server",
  "date",
]);

export interface ProxyTarget {
  /** `http://name:port/uri`: a uri part replaces the location's own; the name may be an upstream's. */
  target: string;
  locationPath: string;
  site: NginxSite;
  /** Not with `proxy_next_upstream off`. */
  triesNext: boolean;
}

/** `proxy_pass`: members of an upstream take turns, and the next is tried when one cannot be reached. */
export async function proxyPass(
  process: Process,
  request: Http1Request,
  { target, locationPath, site, triesNext }: ProxyTarget,
): Promise<NginxAnswer> {
  const match = /^http:\/\/([^/]+)(\/.*)?$/.exec(target);
  if (!match) return failure(500);
  const [, authority = "", uri] = match;
  const path = uri === undefined ? request.path : uri + request.path.slice(locationPath.length);
  const body = request.body && (await readBody(request.body, LARGEST_BODY_BYTES));
  let status = 502;
  const members = membersInTurn(site, authority);
  for (const member of triesNext ? members : members.slice(0, 1)) {
    try {
      return await ask(process, member, {
        method: request.method,
        path,
        headers: { ...passedOn(request.headers), host: authority, connection: "close" },
        ...(body ? { body } : {}),
      });
    } catch (err) {
      if (!(err instanceof ConnectionError || err instanceof ResolveError || err instanceof Http1Error))
        throw err;
      status = err instanceof ConnectionError && err.reason === "timed-out" ? 504 : 502;
    }
  }
  return failure(status);
}

const failure = (status: number): NginxAnswer => ({ status, headers: {}, body: new Uint8Array() });

function membersInTurn(site: NginxSite, authority: string): readonly string[] {
  const upstream = site.upstreams.get(authority);
  if (!upstream) return [authority];
  const first = upstream.next++ % Math.max(1, upstream.members.length);
  return [...upstream.members.slice(first), ...upstream.members.slice(0, first)];
}

async function ask(process: Process, member: string, request: HttpRequest): Promise<NginxAnswer> {
  const [host = "", port = "80"] = member.split(":");
  const [ip = ""] = await process.resolver.lookup(host);
  const connection = await process.network.connect(
    { ip, port: Number(port) },
    { timeoutMs: CONNECT_TIMEOUT_MS },
  );
  try {
    const answer = await new Http1Client(connection).request(request);
    const body = await readBody(answer.body, LARGEST_BODY_BYTES);
    return { status: answer.status, headers: passedOn(answer.headers), body };
  } finally {
    connection.reset();
  }
}

const passedOn = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && name !== "host"));
