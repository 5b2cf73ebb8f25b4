import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { cidrContains } from "../network/addresses.js";
import { Http1Error } from "../network/http1-reader.js";
import { type Http1Answer, type Http1Request, Http1Server } from "../network/http1-server.js";
import { hasToken, type RawHeaders } from "../network/http1-writer.js";
import type { Connection } from "../network/network.js";
import { type ClientConnection, ClientConnections } from "./client-connection.js";
import { corsHeaders } from "./cors.js";
import { errorPage } from "./error-pages.js";
import { type Exchange, newExchangeLog } from "./exchange.js";
import type { Forwarder } from "./forward.js";
import { parseTarget, toHostName } from "./request-target.js";
import type { Route, RoutePolicy } from "./route.js";
import type { Found, Router } from "./router.js";

export interface IngressProxyOptions {
  router: Router;
  forwarder: Forwarder;
  clock: Clock;
  rng: Rng;
  /** Where requests go that no route and no host's fallback takes. */
  defaultRoute: () => Route | undefined;
  /** A request was answered, or given up. */
  onServed?: (exchange: Exchange) => void;
}

/** Clients are served in parallel up to here; more are reset. */
const MOST_CONNECTIONS = 16_384;
const HSTS = "max-age=31536000; includeSubDomains";

/** The L7 proxy: takes connections, chooses routes, answers or forwards. */
export class IngressProxy {
  readonly #options: IngressProxyOptions;
  readonly #rng: Rng;
  readonly #connections: ClientConnections;
  readonly #servers: Http1Server[] = [];

  constructor(options: IngressProxyOptions) {
    this.#options = options;
    this.#rng = options.rng.fork("request-ids");
    this.#connections = new ClientConnections(options.clock);
  }

  get connectionCount(): number {
    return this.#connections.count;
  }

  get activeCount(): number {
    return this.#servers.reduce((sum, server) => sum + server.activeCount, 0);
  }

  /** Serves the connections of one listener. `port` is what backends are told (`X-Forwarded-Port`). */
  listener(scheme: "http" | "https", port: number): (connection: Connection) => Promise<void> {
    const server = new Http1Server((request) => this.#serve(request, scheme, port), {
      largestBodyBytes: Infinity,
      refuse: (status) => errorPage(status === 431 ? 400 : status, { connection: "close" }),
      onAnswered: (connection) => (connection as ClientConnection).answered(),
    });
    this.#servers.push(server);
    return async (inner) => {
      if (this.#connections.count >= MOST_CONNECTIONS) return inner.reset();
      await server.serve(this.#connections.add(inner));
    };
  }

  /** Finishes what is under way and takes no new requests. */
  shutdown(): void {
    for (const server of this.#servers) server.shutdown();
    this.#options.forwarder.pool.close();
  }

  async #serve(request: Http1Request, scheme: "http" | "https", port: number): Promise<Http1Answer> {
    const client = request.connection as ClientConnection;
    client.begin();
    const exchange = this.#toExchange(request, client, scheme, port);
    const answer = exchange ? await this.#answer(exchange) : errorPage(400, { connection: "close" });
    if (!exchange) return this.#complete(answer, request);
    exchange.log.status = answer.status;
    return this.#observed(this.#complete(answer, request, exchange), exchange);
  }

  #toExchange(
    request: Http1Request,
    client: ClientConnection,
    scheme: "http" | "https",
    port: number,
  ): Exchange | undefined {
    const target = parseTarget(request.path);
    const host = target?.host ?? request.headers["host"] ?? "";
    const name = toHostName(host);
    if (!target || name === undefined) return undefined;
    const { router, clock, defaultRoute } = this.#options;
    const { method, headers } = request;
    const found = router.find({ host: name, path: target.path, query: target.query, method, headers });
    const route = found?.route ?? defaultRoute();
    const sentId = headers["x-request-id"];
    return {
      request,
      client,
      scheme,
      port,
      target,
      host,
      requestId: sentId && sentId.length <= 128 ? sentId : this.#rng.uuid().replaceAll("-", ""),
      startedAtMs: clock.monotonicMs(),
      ...(found ? { found } : {}),
      ...(route ? { route } : {}),
      log: newExchangeLog(),
    };
  }

  async #answer(exchange: Exchange): Promise<Http1Answer> {
    const { route, found, target } = exchange;
    if (!route) {
      const isHealth = !found && target.path === "/healthz";
      return isHealth ? { status: 200, headers: {}, body: new Uint8Array() } : errorPage(404);
    }
    const early = answerEarly(exchange, route.policy, found);
    if (early) return early;
    try {
      return await this.#options.forwarder.forward(exchange, route);
    } catch (err) {
      if (!(err instanceof Http1Error)) throw err;
      return errorPage(err.status, { connection: "close" });
    }
  }

  #complete(answer: Http1Answer, request: Http1Request, exchange?: Exchange): Http1Answer {
    const keepAlive = request.httpVersion === "1.1" && !hasToken(request.headers["connection"], "close");
    const cors = exchange?.route?.policy.cors;
    const added: (readonly [string, string])[] = [];
    if (exchange?.scheme === "https" && exchange.found?.virtualHost.tls)
      added.push(["Strict-Transport-Security", HSTS]);
    if (cors) added.push(...corsHeaders(cors, request.headers["origin"]));
    const rawHeaders: RawHeaders = [...(answer.rawHeaders ?? []), ...added];
    return {
      ...answer,
      headers: {
        date: new Date(this.#options.clock.nowMs()).toUTCString(),
        ...(keepAlive ? { connection: "keep-alive" } : {}),
        ...answer.headers,
      },
      rawHeaders,
    };
  }

  /** Tells of the exchange when its answer's body has ended, however it ended. */
  #observed(answer: Http1Answer, exchange: Exchange): Http1Answer {
    const { onServed } = this.#options;
    if (!onServed) return answer;
    const { body, upgraded } = answer;
    if (upgraded) {
      return { ...answer, upgraded: (stream) => upgraded(stream).finally(() => onServed(exchange)) };
    }
    if (body instanceof Uint8Array) {
      exchange.log.sentBytes = exchange.request.method === "HEAD" ? 0 : body.length;
      onServed(exchange);
      return answer;
    }
    return { ...answer, body: toldAtEnd(body, () => onServed(exchange)) };
  }
}

async function* toldAtEnd(body: AsyncIterable<Uint8Array>, onEnd: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    onEnd();
  }
}

/** What is answered without a backend: refusals and redirects. */
function answerEarly(
  exchange: Exchange,
  policy: RoutePolicy,
  found: Found | undefined,
): Http1Answer | undefined {
  const { request, scheme, target, host } = exchange;
  const from = request.connection.remote.ip;
  if (policy.denyFrom.some((block) => cidrContains(block, from))) return errorPage(403);
  if (policy.allowFrom.length > 0 && !policy.allowFrom.some((block) => cidrContains(block, from)))
    return errorPage(403);
  const name = host.replace(/:\d*$/, "");
  const forced = policy.httpsRedirect === "always";
  if (scheme === "http" && (forced || (policy.httpsRedirect === "when-tls" && found?.virtualHost.tls))) {
    return errorPage(308, { location: `https://${name}${target.uri}` });
  }
  if (policy.redirect) return errorPage(policy.redirect.status, { location: policy.redirect.url });
  if (policy.appRoot && target.path === "/") {
    return errorPage(302, { location: `${scheme}://${host}${policy.appRoot}` });
  }
  if (policy.cors && request.method === "OPTIONS") return preflight(policy.cors.maxAgeSeconds);
  const length = Number(request.headers["content-length"] ?? 0);
  if (policy.bodyLimitBytes !== undefined && length > policy.bodyLimitBytes)
    return errorPage(413, { connection: "close" });
  return undefined;
}

const preflight = (maxAgeSeconds: number): Http1Answer => ({
  status: 204,
  headers: {
    "access-control-max-age": String(maxAgeSeconds),
    "content-type": "text/plain charset=UTF-8",
    "content-length": "0",
  },
  body: new Uint8Array(),
});
