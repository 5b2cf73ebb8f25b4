// What an L7 proxy knows of routes: neutral between Ingress and Gateway API, whose objects are translated into it.

/** How a request's path is compared, after percent-decoding and with its empty and dot segments resolved. */
export interface PathMatch {
  /**
   * `Prefix` goes element by element (`/foo` has `/foo/bar`, not `/foobar`), `StringPrefix` letter by letter, `Regex` from the
   * path's start and without regard to case, as nginx's `~* "^…"`.
   */
  type: "Exact" | "Prefix" | "StringPrefix" | "Regex";
  value: string;
}

/** A header or query parameter that a request must have. */
export interface ValueMatch {
  /** Header names in lower case. */
  name: string;
  /** A pattern must match the whole value. */
  value: string | RegExp;
}

export interface RouteMatch {
  path: PathMatch;
  method?: string;
  headers?: readonly ValueMatch[];
  query?: readonly ValueMatch[];
}

export interface ServiceTarget {
  namespace: string;
  name: string;
  /** Number or name of a port of the Service. */
  port: number | string;
}

export interface WeightedTarget {
  target: ServiceTarget;
  weight: number;
}

/** A second release that takes part of a route's requests. */
export interface Canary {
  targets: readonly WeightedTarget[];
  owner: string;
  /** Of `weightTotal`. */
  weight: number;
  weightTotal: number;
  /** `always` and `never` decide; with `value` (or `pattern`) that decides instead. Lower case. */
  header?: { name: string; value?: string; pattern?: RegExp };
  cookie?: string;
}

export interface CookieAffinity {
  cookie: string;
  path?: string;
  domain?: string;
  maxAgeSeconds?: number;
  expiresSeconds?: number;
  sameSite?: string;
  secure?: boolean;
  changeOnFailure: boolean;
}

export interface Cors {
  origins: readonly string[];
  methods: string;
  headers: string;
  exposeHeaders?: string;
  credentials: boolean;
  maxAgeSeconds: number;
}

/** What is done with a request besides choosing its backend. */
export interface RoutePolicy {
  /** The new path; `$1` is what the first group of the route's Regex matched. */
  rewriteTarget?: string;
  /** Plain HTTP is sent to HTTPS: when the host has TLS, or whether it has or not. */
  httpsRedirect: "when-tls" | "always" | "never";
  redirect?: { url: string; status: number };
  /** Where `/` is sent. */
  appRoot?: string;
  connectTimeoutMs: number;
  /** Between two reads from the backend, and two writes to it. */
  readTimeoutMs: number;
  sendTimeoutMs: number;
  /** Undefined is no limit. */
  bodyLimitBytes: number | undefined;
  nextUpstream: ReadonlySet<NextUpstream>;
  /** Attempts at most, the first included; 0 is one for each endpoint. */
  tries: number;
  affinity?: CookieAffinity;
  /** Text with variables whose value chooses the endpoint. */
  hashBy?: string;
  upstreamHost?: string;
  forwardedPrefix?: string;
  /** Blocks of addresses; none allows everybody. */
  allowFrom: readonly string[];
  denyFrom: readonly string[];
  /** Dials the Service's own address, not its endpoints. */
  serviceUpstream: boolean;
  upstreamTls: boolean;
  cors?: Cors;
}

export type NextUpstream =
  | "error"
  | "timeout"
  | "invalid_header"
  | "http_500"
  | "http_502"
  | "http_503"
  | "http_504"
  | "http_403"
  | "http_404"
  | "http_429"
  | "non_idempotent"
  | "off";

export interface Route {
  match: RouteMatch;
  /** `namespace/name` of the object that it came from. */
  owner: string;
  /** Empty: nothing can serve it. */
  targets: readonly WeightedTarget[];
  canary?: Canary;
  policy: RoutePolicy;
}

export interface VirtualHost {
  /** In lower case; `*.example.com` is one more label, "" every host that no other has. */
  host: string;
  /** Among routes that match equally well the first is taken. */
  routes: readonly Route[];
  /** For a request that no route matches. */
  fallback?: Route;
  /** Clients may use TLS: with the certificate of this Secret (`namespace/name`), or the default one. */
  tls?: { secret?: string };
}
