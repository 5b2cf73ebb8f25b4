import { createHash } from "node:crypto";
import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { Http1Error } from "../network/http1-reader.js";
import type { Http1Answer } from "../network/http1-server.js";
import { type Connection, ConnectionError, type Network } from "../network/network.js";
import { isIp } from "../network/addresses.js";
import { pickTarget, RoundRobin, takesCanary } from "./balancing.js";
import { errorPage } from "./error-pages.js";
import type { Exchange } from "./exchange.js";
import { cookieOf } from "./proxied-headers.js";
import type { NextUpstream, Route } from "./route.js";
import type { ServiceUpstreams, Upstream, UpstreamEndpoint } from "./service-upstreams.js";
import { type SentRequest, sendUpstream, UpstreamFailure } from "./upstream-request.js";
import { type UpstreamConnection, UpstreamPool } from "./upstream-pool.js";

export interface ForwarderOptions {
  network: Network;
  clock: Clock;
  rng: Rng;
  upstreams: Pick<ServiceUpstreams, "upstream">;
  /** IPv4 addresses of a name, for ExternalName Services. */
  lookup: (name: string) => Promise<string[]>;
  /** A TLS client over a connection, for `backend-protocol: HTTPS`. */
  secure: (connection: Connection, name: string) => Promise<Connection>;
}

const NOT_IDEMPOTENT = new Set(["POST", "LOCK", "PATCH"]);

/** Hands requests to backends: chooses an endpoint, tries the next one where nginx would, streams the answer. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #rng: Rng;
  readonly #turns: RoundRobin;
  readonly pool: UpstreamPool;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#rng = options.rng.fork("choices");
    this.#turns = new RoundRobin(options.rng.fork("turns"));
    this.pool = new UpstreamPool(options.network, options.clock);
  }

  async forward(exchange: Exchange, route: Route): Promise<Http1Answer> {
    const upstream = this.#chooseUpstream(exchange, route);
    exchange.log.upstreamName = upstream?.name ?? "";
    if (!upstream || upstream.endpoints.length === 0) return errorPage(503);
    const sticky = stickyKey(exchange, route, upstream, this.#options.clock, this.#rng);
    const answer = await this.#tryEndpoints(exchange, route, upstream, sticky.key);
    const { setCookie } = sticky;
    if (setCookie === undefined) return answer;
    return { ...answer, rawHeaders: [...(answer.rawHeaders ?? []), ["Set-Cookie", setCookie]] };
  }

  #chooseUpstream(exchange: Exchange, route: Route): Upstream | undefined {
    const { headers } = exchange.request;
    const cookie = (name: string): string | undefined => cookieOf(headers["cookie"], name);
    const { canary } = route;
    const { serviceUpstream } = route.policy;
    if (canary && takesCanary(canary, { headers, cookie }, this.#rng)) {
      const chosen = pickTarget(canary.targets, this.#rng);
      const upstream = chosen && this.#options.upstreams.upstream(chosen.target, serviceUpstream);
      if (upstream && upstream.endpoints.length > 0) return upstream;
    }
    const chosen = pickTarget(route.targets, this.#rng);
    return chosen && this.#options.upstreams.upstream(chosen.target, serviceUpstream);
  }

  async #tryEndpoints(
    exchange: Exchange,
    route: Route,
    upstream: Upstream,
    key: string | undefined,
  ): Promise<Http1Answer> {
    const { nextUpstream, tries } = route.policy;
    const tried = new Set<UpstreamEndpoint>();
    let status = 502;
    while (tries === 0 || tried.size < tries) {
      const endpoint = this.#turns.pick(upstream, tried, key);
      if (!endpoint) break;
      tried.add(endpoint);
      const mayRetry = (kind: NextUpstream, sent: SentRequest): boolean =>
        nextUpstream.has(kind) &&
        !sent.bodyTaken &&
        (!sent.sent || !NOT_IDEMPOTENT.has(exchange.request.method) || nextUpstream.has("non_idempotent"));
      const hasNext = tried.size < upstream.endpoints.length && (tries === 0 || tried.size < tries);
      const outcome = await this.#attempt(
        exchange,
        route,
        endpoint,
        (kind, sent) => hasNext && mayRetry(kind, sent),
      );
      if (!(outcome instanceof UpstreamFailure)) return outcome;
      status = outcome.status;
      if (!mayRetry(outcome.kind, outcome.sent)) break;
    }
    return errorPage(status);
  }

  async #attempt(
    exchange: Exchange,
    route: Route,
    endpoint: UpstreamEndpoint,
    mayRetry: (kind: NextUpstream, sent: SentRequest) => boolean,
  ): Promise<Http1Answer | UpstreamFailure> {
    const { clock } = this.#options;
    const record = { address: endpoint.name, status: 0, receivedBytes: 0, tookMs: 0 };
    exchange.log.attempts.push(record);
    const startedAtMs = clock.monotonicMs();
    for (let reuse = true; ; reuse = false) {
      const sent: SentRequest = { sent: false, bodyTaken: false };
      try {
        const used = await this.#connection(route, endpoint, reuse);
        const answer = await sendUpstream({
          exchange,
          route,
          used,
          sent,
          record,
          clock,
          pool: this.pool,
          mayRetry,
        });
        record.tookMs = clock.monotonicMs() - startedAtMs;
        return answer;
      } catch (err) {
        const failure = toFailure(err, sent);
        // The backend ended a kept connection just as it was used again: nothing is wrong with it.
        const isStale = failure.stale && !sent.bodyTaken && !NOT_IDEMPOTENT.has(exchange.request.method);
        if (reuse && isStale) continue;
        record.status = failure.status;
        record.tookMs = clock.monotonicMs() - startedAtMs;
        return failure;
      }
    }
  }

  async #connection(
    route: Route,
    { host, port }: UpstreamEndpoint,
    reuse: boolean,
  ): Promise<UpstreamConnection> {
    const { secure, lookup } = this.#options;
    const [ip = host] = isIp(host) ? [host] : await lookup(host);
    const to = {
      ip,
      port,
      timeoutMs: route.policy.connectTimeoutMs,
      ...(route.policy.upstreamTls ? { secure: (plain: Connection) => secure(plain, host) } : {}),
    };
    return (reuse ? this.pool.takeIdle(to) : undefined) ?? (await this.pool.dial(to));
  }
}

function toFailure(err: unknown, sent: SentRequest): UpstreamFailure {
  if (err instanceof UpstreamFailure) return err;
  if (err instanceof Http1Error && err.status === 413) throw err;
  const timedOut = err instanceof ConnectionError && err.reason === "timed-out";
  return new UpstreamFailure(timedOut ? "timeout" : "error", timedOut ? 504 : 502, sent);
}

/** What keeps a client with one endpoint: its cookie, or the value that the route hashes. */
function stickyKey(
  exchange: Exchange,
  route: Route,
  upstream: Upstream,
  clock: Clock,
  rng: Rng,
): { key?: string; setCookie?: string } {
  const { affinity, hashBy } = route.policy;
  if (hashBy !== undefined) return { key: expand(hashBy, exchange) };
  if (!affinity) return {};
  const mark = createHash("md5").update(upstream.name).digest("hex");
  const [known, knownMark] = cookieOf(exchange.request.headers["cookie"], affinity.cookie)?.split("|") ?? [];
  if (known && knownMark === mark) return { key: known };
  const key = `${(clock.nowMs() / 1000).toFixed(3)}.${rng.int(1, 999)}.${rng.int(1, 999)}.${rng.int(1, 999_999)}`;
  const path = affinity.path ?? (route.match.path.type === "Regex" ? "/" : route.match.path.value);
  const parts = [`${affinity.cookie}=${key}|${mark}`];
  if (affinity.expiresSeconds !== undefined) {
    parts.push(`Expires=${new Date(clock.nowMs() + affinity.expiresSeconds * 1000).toUTCString()}`);
  }
  if (affinity.maxAgeSeconds !== undefined) parts.push(`Max-Age=${affinity.maxAgeSeconds}`);
  if (affinity.domain) parts.push(`Domain=${affinity.domain}`);
  parts.push(`Path=${path}`);
  if (affinity.secure ?? exchange.scheme === "https") parts.push("Secure");
  parts.push("HttpOnly");
  if (affinity.sameSite) parts.push(`SameSite=${affinity.sameSite}`);
  return { key, setCookie: parts.join("; ") };
}

/** nginx's variables, as far as a hash is usually taken of them. */
function expand(text: string, { request, target, host, scheme }: Exchange): string {
  return text.replace(/\$\{?([a-z0-9_]+)\}?/g, (_, name: string) => {
    switch (name) {
      case "remote_addr":
      case "binary_remote_addr":
        return request.connection.remote.ip;
      case "request_uri":
        return target.uri;
      case "uri":
        return target.path;
      case "host":
      case "http_host":
        return host;
      case "scheme":
        return scheme;
      case "args":
        return target.query.slice(1);
    }
    if (name.startsWith("arg_")) return new URLSearchParams(target.query).get(name.slice(4)) ?? "";
    if (name.startsWith("cookie_")) return cookieOf(request.headers["cookie"], name.slice(7)) ?? "";
    return request.headers[name.replace(/^http_/, "").replaceAll("_", "-")] ?? "";
  });
}
