import { readBody } from "../../machinery/api/http.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { Http1Error } from "../../machinery/network/http1-reader.js";
import type { Http1Request } from "../../machinery/network/http1-server.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { ResolveError } from "../../machinery/network/resolver.js";
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

/** `proxy_pass http://name:port/uri`: a uri part replaces the location's own. */
export async function proxyPass(
  process: Process,
  request: Http1Request,
  [target = ""]: readonly string[],
  locationPath: string,
): Promise<NginxAnswer> {
  const match = /^http:\/\/([^/:]+)(?::(\d+))?(\/.*)?$/.exec(target);
  if (!match) return { status: 500, headers: {}, body: new Uint8Array() };
  const [, host = "", port = "80", uri] = match;
  const path = uri === undefined ? request.path : uri + request.path.slice(locationPath.length);
  try {
    const [ip = ""] = await process.resolver.lookup(host);
    const connection = await process.network.connect(
      { ip, port: Number(port) },
      { timeoutMs: CONNECT_TIMEOUT_MS },
    );
    try {
      const answer = await new Http1Client(connection).request({
        method: request.method,
        path,
        headers: {
          ...passedOn(request.headers),
          host: `${host}${match[2] ? `:${port}` : ""}`,
          connection: "close",
        },
        ...(request.body ? { body: await readBody(request.body, LARGEST_BODY_BYTES) } : {}),
      });
      const body = await readBody(answer.body, LARGEST_BODY_BYTES);
      return { status: answer.status, headers: passedOn(answer.headers), body };
    } finally {
      connection.reset();
    }
  } catch (err) {
    if (!(err instanceof ConnectionError || err instanceof ResolveError || err instanceof Http1Error))
      throw err;
    const status = err instanceof ConnectionError && err.reason === "timed-out" ? 504 : 502;
    return { status, headers: {}, body: new Uint8Array() };
  }
}

const passedOn = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && name !== "host"));
