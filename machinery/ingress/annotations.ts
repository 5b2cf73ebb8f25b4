import { cidrContains, isIp } from "../network/addresses.js";
import type { Cors, CookieAffinity, NextUpstream, RoutePolicy } from "./route.js";

const PREFIX = "nginx.ingress.kubernetes.io/";

/** Settings by ingress-nginx's names: an object's annotations, over the controller's ConfigMap. */
export class Settings {
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #defaults: Readonly<Record<string, string>>;

  constructor(
    annotations: Readonly<Record<string, string>> | undefined,
    defaults: Readonly<Record<string, string>> = {},
  ) {
    this.#annotations = annotations ?? {};
    this.#defaults = defaults;
  }

  /** A setting that only an object has. */
  own(name: string): string | undefined {
    const value = this.#annotations[PREFIX + name];
    return value === "" ? undefined : value;
  }

  text(name: string): string | undefined {
    return this.own(name) ?? this.#defaults[name];
  }

  /** What is neither true nor false counts as not set (ParseBool). */
  flag(name: string, otherwise: boolean): boolean {
    const value = this.text(name);
    if (value !== undefined && /^(1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (value !== undefined && /^(0|f|F|FALSE|false|False)$/.test(value)) return false;
    return otherwise;
  }

  number(name: string): number | undefined {
    const value = this.text(name);
    return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
  }

  /** Times are seconds, with or without an `s`. */
  seconds(name: string): number | undefined {
    const value = this.text(name)?.replace(/s$/, "");
    return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
  }

  list(name: string): string[] {
    return (this.text(name) ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
  }
}

/** ingress-nginx's annotations: its documentation, "Annotations". */
export function toPolicy(settings: Settings): RoutePolicy {
  const affinity = settings.own("affinity") === "cookie" ? toAffinity(settings) : undefined;
  const rewriteTarget = settings.own("rewrite-target");
  const redirect = toRedirect(settings);
  const appRoot = settings.own("app-root");
  const hashBy = settings.own("upstream-hash-by");
  const upstreamHost = settings.own("upstream-vhost");
  const forwardedPrefix = settings.own("x-forwarded-prefix");
  const tries = settings.number("proxy-next-upstream-tries");
  return {
    ...(rewriteTarget ? { rewriteTarget } : {}),
    httpsRedirect: toHttpsRedirect(settings),
    ...(redirect ? { redirect } : {}),
    ...(appRoot ? { appRoot } : {}),
    connectTimeoutMs: (settings.seconds("proxy-connect-timeout") ?? 5) * 1000,
    readTimeoutMs: (settings.seconds("proxy-read-timeout") ?? 60) * 1000,
    sendTimeoutMs: (settings.seconds("proxy-send-timeout") ?? 60) * 1000,
    bodyLimitBytes: toBytes(settings.text("proxy-body-size") ?? "1m"),
    nextUpstream: toNextUpstream(settings.text("proxy-next-upstream") ?? "error timeout"),
    tries: tries ?? 3,
    ...(affinity ? { affinity } : {}),
    ...(hashBy ? { hashBy } : {}),
    ...(upstreamHost ? { upstreamHost } : {}),
    ...(forwardedPrefix ? { forwardedPrefix } : {}),
    allowFrom: [...blocks(settings, "allowlist-source-range"), ...blocks(settings, "whitelist-source-range")],
    denyFrom: blocks(settings, "denylist-source-range"),
    serviceUpstream: settings.flag("service-upstream", false),
    upstreamTls: /^https$/i.test(settings.own("backend-protocol") ?? ""),
    ...(settings.flag("enable-cors", false) ? { cors: toCors(settings) } : {}),
  };
}

const toHttpsRedirect = (settings: Settings): RoutePolicy["httpsRedirect"] => {
  if (settings.flag("force-ssl-redirect", false)) return "always";
  return settings.flag("ssl-redirect", true) ? "when-tls" : "never";
};

function toRedirect(settings: Settings): RoutePolicy["redirect"] {
  const temporal = settings.own("temporal-redirect");
  if (temporal) return { url: temporal, status: codeOr(settings.number("temporal-redirect-code"), 302) };
  const permanent = settings.own("permanent-redirect");
  return permanent
    ? { url: permanent, status: codeOr(settings.number("permanent-redirect-code"), 301) }
    : undefined;
}

const codeOr = (code: number | undefined, otherwise: number): number =>
  code !== undefined && code >= 300 && code <= 308 ? code : otherwise;

function toAffinity(settings: Settings): CookieAffinity {
  const optional = {
    path: settings.own("session-cookie-path"),
    domain: settings.own("session-cookie-domain"),
    maxAgeSeconds: settings.number("session-cookie-max-age"),
    expiresSeconds: settings.number("session-cookie-expires"),
    sameSite: settings.own("session-cookie-samesite"),
    secure: settings.own("session-cookie-secure") ? settings.flag("session-cookie-secure", false) : undefined,
  };
  return {
    cookie: settings.own("session-cookie-name") ?? "INGRESSCOOKIE",
    changeOnFailure: settings.flag("session-cookie-change-on-failure", false),
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Omit<
      CookieAffinity,
      "cookie" | "changeOnFailure"
    >),
  };
}

function toCors(settings: Settings): Cors {
  const origins = settings.list("cors-allow-origin");
  const exposeHeaders = settings.own("cors-expose-headers");
  return {
    origins: origins.length === 0 ? ["*"] : origins,
    methods: settings.own("cors-allow-methods") ?? "GET, PUT, POST, DELETE, PATCH, OPTIONS",
    headers:
      settings.own("cors-allow-headers") ??
      "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
    ...(exposeHeaders ? { exposeHeaders } : {}),
    credentials: settings.flag("cors-allow-credentials", true),
    maxAgeSeconds: settings.number("cors-max-age") ?? 1_728_000,
  };
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** nginx's sizes: `8m`, `512k`; undefined for 0, which is no limit. */
export function toBytes(text: string): number | undefined {
  const match = /^(\d{1,12})([kmg]?)$/i.exec(text.trim());
  if (!match) return UNITS["m"];
  const bytes = Number(match[1]) * (UNITS[(match[2] ?? "").toLowerCase()] ?? 1);
  return bytes === 0 ? undefined : bytes;
}

const toNextUpstream = (text: string): ReadonlySet<NextUpstream> =>
  new Set(text.split(/\s+/) as NextUpstream[]);

/** Addresses and blocks; one that is neither is left out. */
const blocks = (settings: Settings, name: string): string[] =>
  settings
    .list(name)
    .map((text) => (isIp(text) ? `${text}/${text.includes(":") ? 128 : 32}` : text))
    .filter(isBlock);

function isBlock(text: string): boolean {
  try {
    const [ip = ""] = text.split("/");
    return isIp(ip) && cidrContains(text, ip);
  } catch {
    return false;
  }
}
