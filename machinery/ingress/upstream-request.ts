import type { Clock } from "../api/clock.js";
import type { ByteStream } from "../api/http.js";
import type { Http1ClientRequest, Http1Response } from "../network/http1-client.js";
import { Http1Error } from "../network/http1-reader.js";
import type { Http1Answer } from "../network/http1-server.js";
import { hasToken } from "../network/http1-writer.js";
import { pumpBothWays } from "../network/relay.js";
import { withRest } from "../network/with-rest.js";
import type { Exchange, ExchangeLog } from "./exchange.js";
import { answerHeaders, requestHeaders } from "./proxied-headers.js";
import type { NextUpstream, Route } from "./route.js";
import { StallTimer } from "./stall-timer.js";
import type { UpstreamConnection, UpstreamPool } from "./upstream-pool.js";

/** nginx's send_timeout: between two writes to a client. */
const CLIENT_SEND_TIMEOUT_MS = 60_000;

/** How far a request has gone: decides whether another endpoint may get it. */
export interface SentRequest {
  sent: boolean;
  bodyTaken: boolean;
}

/** One endpoint did not answer as it should. */
export class UpstreamFailure extends Error {
  override readonly name = "UpstreamFailure";
  readonly kind: NextUpstream;
  readonly status: number;
  readonly sent: SentRequest;
  /** A connection from the pool broke before the first byte of an answer. */
  readonly stale: boolean;
  constructor(kind: NextUpstream, status: number, sent: SentRequest, stale = false) {
    super(`upstream ${kind}`);
    this.kind = kind;
    this.status = status;
    this.sent = sent;
    this.stale = stale;
  }
}

export interface UpstreamCall {
  exchange: Exchange;
  route: Route;
  used: UpstreamConnection;
  sent: SentRequest;
  record: ExchangeLog["attempts"][number];
  clock: Clock;
  pool: UpstreamPool;
  /** Whether another endpoint would get the request if this one fails so. */
  mayRetry: (kind: NextUpstream, sent: SentRequest) => boolean;
}

/** One attempt over one connection. Rejects with UpstreamFailure, or Http1Error 413 for a body over its limit. */
export async function sendUpstream(call: UpstreamCall): Promise<Http1Answer> {
  const { exchange, route, used, sent, record, clock } = call;
  let stalled = false;
  const timer = new StallTimer(clock, route.policy.readTimeoutMs, () => {
    stalled = true;
    used.connection.reset();
  });
  exchange.client.onGone = () => used.connection.reset();
  let answer: Http1Response;
  try {
    sent.sent = true;
    answer = await used.client.request(toUpstream(call, timer));
  } catch (err) {
    timer.stop();
    used.connection.reset();
    if (err instanceof Http1Error && err.status === 413) throw err;
    if (stalled) throw new UpstreamFailure("timeout", 504, sent);
    const isMalformed = err instanceof Http1Error && err.message !== "empty reply from server";
    throw new UpstreamFailure(isMalformed ? "invalid_header" : "error", 502, sent, used.requests > 0);
  }
  if (answer.status === 101 && upgradeWanted(exchange) === undefined) {
    timer.stop();
    used.connection.reset();
    throw new UpstreamFailure("invalid_header", 502, sent);
  }
  record.status = answer.status;
  const kind = `http_${answer.status}` as NextUpstream;
  if (answer.status >= 400 && call.mayRetry(kind, sent)) {
    timer.stop();
    used.connection.reset();
    throw new UpstreamFailure(kind, answer.status, sent);
  }
  return toAnswer(call, answer, timer);
}

function toUpstream({ exchange, route, sent }: UpstreamCall, timer: StallTimer): Http1ClientRequest {
  const { request, host, scheme, port, requestId } = exchange;
  const { policy } = route;
  const length = request.headers["content-length"];
  const upgrade = upgradeWanted(exchange);
  return {
    method: request.method,
    path: rewrittenUri(exchange, route),
    headers: length === undefined ? {} : { "content-length": length },
    rawHeaders: requestHeaders(request, {
      host: policy.upstreamHost ?? host,
      remoteIp: request.connection.remote.ip,
      scheme,
      port,
      requestId,
      ...(policy.forwardedPrefix === undefined ? {} : { prefix: policy.forwardedPrefix }),
      ...(upgrade === undefined ? {} : { upgrade }),
    }),
    ...(request.body ? { body: watched(request.body, policy.bodyLimitBytes, sent, timer) } : {}),
  };
}

const upgradeWanted = ({ request }: Exchange): string | undefined =>
  hasToken(request.headers["connection"], "upgrade") ? request.headers["upgrade"] : undefined;

/** The request's own URI as it was sent, or what `rewrite-target` makes of it. */
function rewrittenUri({ target, found }: Exchange, { policy }: Route): string {
  const { rewriteTarget } = policy;
  if (rewriteTarget === undefined) return target.uri;
  const groups = found?.groups ?? [];
  const path = rewriteTarget.replace(/\$(\d)/g, (_, digit: string) => groups[Number(digit)] ?? "");
  const encoded = encodeURI(path.startsWith("/") ? path : `/${path}`).replaceAll("%25", "%");
  return encoded.includes("?") ? encoded : `${encoded}${target.query}`;
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number | undefined,
  sent: SentRequest,
  timer: StallTimer,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  sent.bodyTaken = true;
  for await (const chunk of body) {
    total += chunk.length;
    if (limitBytes !== undefined && total > limitBytes) throw new Http1Error(413, "body too large");
    timer.touch();
    yield chunk;
    timer.touch();
  }
}

function toAnswer(call: UpstreamCall, answer: Http1Response, timer: StallTimer): Http1Answer {
  const { exchange, record } = call;
  const rawHeaders = answerHeaders(answer);
  const base = { status: answer.status, reason: answer.reason, rawHeaders };
  if (answer.status === 101) return { ...base, ...upgradeOf(call, answer, timer) };
  const { whole } = answer;
  if (!whole) return { ...base, headers: {}, body: streamed(call, answer.body, timer) };
  timer.stop();
  record.receivedBytes = whole.length;
  exchange.log.sentBytes = whole.length;
  release(call);
  return { ...base, headers: {}, body: whole };
}

/** From here on the connection may be another client's: what happens to this one must not touch it. */
function release({ exchange, used, pool }: UpstreamCall): void {
  exchange.client.onGone = undefined;
  pool.release(used);
}

/** Passes a body on with back-pressure. Broken off by either side, it breaks off the other. */
async function* streamed(
  call: UpstreamCall,
  body: AsyncIterable<Uint8Array>,
  timer: StallTimer,
): AsyncGenerator<Uint8Array> {
  const { exchange, route, used, record } = call;
  const { readTimeoutMs } = route.policy;
  let complete = false;
  try {
    timer.touch(readTimeoutMs);
    for await (const chunk of body) {
      record.receivedBytes += chunk.length;
      timer.touch(CLIENT_SEND_TIMEOUT_MS);
      yield chunk;
      exchange.log.sentBytes += chunk.length;
      timer.touch(readTimeoutMs);
    }
    complete = true;
  } finally {
    timer.stop();
    if (complete) release(call);
    else used.connection.reset();
  }
}

function upgradeOf(
  { exchange, used, route }: UpstreamCall,
  answer: Http1Response,
  timer: StallTimer,
): Pick<Http1Answer, "headers" | "body" | "upgraded"> {
  timer.touch(route.policy.readTimeoutMs);
  return {
    headers: { upgrade: answer.headers["upgrade"] ?? "", connection: "upgrade" },
    body: new Uint8Array(),
    upgraded: async (client) => {
      exchange.client.becomeTunnel();
      const backend = withRest(used.connection, used.client.takeRest());
      const moved = await pumpBothWays(noting(client, timer), noting(backend, timer));
      exchange.log.sentBytes = moved.backBytes;
      timer.stop();
    },
  };
}

/** Bytes in either direction keep a tunnel open. */
const noting = (stream: ByteStream, timer: StallTimer): ByteStream => ({
  read: async () => {
    const bytes = await stream.read();
    timer.touch();
    return bytes;
  },
  write: (bytes) => stream.write(bytes),
  end: () => stream.end(),
  reset: () => stream.reset(),
  closed: stream.closed,
});
