import type { Http1Request } from "../network/http1-server.js";
import type { RawHeaders } from "../network/http1-writer.js";

/** What is about one connection, not about the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** Set anew towards the backend, so that no client can claim to be another (ingress-nginx: use-forwarded-headers off). */
const FROM_REQUEST = new Set([
  ...HOP_BY_HOP,
  "host",
  "content-length",
  "expect",
  "proxy",
  "x-request-id",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-scheme",
  "x-forwarded-prefix",
  "x-scheme",
  "x-original-forwarded-for",
]);
/** nginx writes these itself, or hides them. */
const FROM_ANSWER = new Set([
  ...HOP_BY_HOP,
  "date",
  "server",
  "x-pad",
  "x-accel-redirect",
  "x-accel-limit-rate",
  "x-accel-buffering",
  "x-accel-charset",
  "x-accel-expires",
]);

export interface Forwarded {
  host: string;
  remoteIp: string;
  scheme: "http" | "https";
  port: number;
  requestId: string;
  prefix?: string;
  upgrade?: string;
}

/** A request's headers as the backend gets them, without the length of its body. */
export function requestHeaders(request: Http1Request, forwarded: Forwarded): RawHeaders {
  const { host, remoteIp, scheme, port, requestId, prefix, upgrade } = forwarded;
  const before = request.headers["x-forwarded-for"];
  const set: [string, string][] = [
    ["Host", host],
    ["X-Request-ID", requestId],
    ["X-Real-IP", remoteIp],
    ["X-Forwarded-For", remoteIp],
    ["X-Forwarded-Host", host],
    ["X-Forwarded-Port", String(port)],
    ["X-Forwarded-Proto", scheme],
    ["X-Forwarded-Scheme", scheme],
    ["X-Scheme", scheme],
  ];
  if (before !== undefined) set.push(["X-Original-Forwarded-For", before]);
  if (prefix !== undefined) set.push(["X-Forwarded-Prefix", prefix]);
  if (upgrade !== undefined) set.push(["Upgrade", upgrade], ["Connection", "upgrade"]);
  return [...set, ...without(request, FROM_REQUEST)];
}

/** An answer's headers as the client gets them. */
export const answerHeaders = (answer: Pick<Http1Request, "headers" | "rawHeaders">): RawHeaders =>
  without(answer, FROM_ANSWER);

/** Also without those that `connection` names. */
function without(
  { headers, rawHeaders }: Pick<Http1Request, "headers" | "rawHeaders">,
  dropped: ReadonlySet<string>,
): RawHeaders {
  const named = (headers["connection"] ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  return rawHeaders.filter(([name]) => {
    const key = name.toLowerCase();
    return !dropped.has(key) && !named.includes(key);
  });
}

export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}
