import type { Route, RouteMatch, ValueMatch, VirtualHost } from "./route.js";

/** What routes are chosen by. */
export interface RoutedRequest {
  /** As `toHostName` gives it. */
  host: string;
  /** As `normalizePath` gives it. */
  path: string;
  /** With or without its `?`. */
  query?: string;
  method: string;
  headers: Readonly<Record<string, string>>;
}

export interface Found {
  virtualHost: VirtualHost;
  /** Absent: no route matches, and the host has no fallback. */
  route?: Route;
  /** What the groups of a Regex matched, the whole first. */
  groups?: readonly string[];
}

/**
 * Host, then path: an exact host wins over a wildcard (one label), this over "every host"; in it an exact path, then regular
 * expressions from the longest, then the longest prefix (Ingress: "Multiple Matches"; Gateway API: HTTPRouteRule). Between
 * matches of one path those win that also ask for a method, then for more headers, then for more query parameters, then the
 * first. A host costs one look-up, a path one for each of its elements.
 */
export class Router {
  readonly #hosts = new Map<string, HostTable>();

  /** Replaces what is known of a host. */
  set(virtualHost: VirtualHost): void {
    this.#hosts.set(virtualHost.host, new HostTable(virtualHost));
  }

  delete(host: string): void {
    this.#hosts.delete(host);
  }

  get hosts(): string[] {
    return [...this.#hosts.keys()];
  }

  virtualHost(host: string): VirtualHost | undefined {
    return this.#table(host)?.virtualHost;
  }

  find(request: RoutedRequest): Found | undefined {
    const table = this.#table(request.host);
    return table && { virtualHost: table.virtualHost, ...table.find(request) };
  }

  #table(host: string): HostTable | undefined {
    const exact = this.#hosts.get(host);
    if (exact && host !== "") return exact;
    const dot = host.indexOf(".");
    const wildcard = dot > 0 ? this.#hosts.get(`*${host.slice(dot)}`) : undefined;
    return wildcard ?? this.#hosts.get("");
  }
}

class HostTable {
  readonly virtualHost: VirtualHost;
  readonly #exact = new Map<string, Route[]>();
  /** By prefix without its last slash. */
  readonly #prefixes = new Map<string, Route[]>();
  /** From the longest. */
  readonly #stringPrefixes: Route[] = [];
  readonly #patterns: { route: Route; pattern: RegExp }[] = [];

  constructor(virtualHost: VirtualHost) {
    this.virtualHost = virtualHost;
    const routes = virtualHost.routes.toSorted((a, b) => compareMatches(a.match, b.match));
    for (const route of routes) this.#add(route);
    const byLength = (a: Route, b: Route): number => b.match.path.value.length - a.match.path.value.length;
    this.#stringPrefixes.sort(byLength);
    this.#patterns.sort((a, b) => byLength(a.route, b.route));
  }

  find(request: RoutedRequest): Pick<Found, "route" | "groups"> {
    const exact = firstMatching(this.#exact.get(request.path), request);
    if (exact) return { route: exact };
    for (const { route, pattern } of this.#patterns) {
      const groups = pattern.exec(request.path);
      if (groups && matches(route.match, request)) return { route, groups: groups.map((text) => text ?? "") };
    }
    const route = this.#longestPrefix(request) ?? this.virtualHost.fallback;
    return route ? { route } : {};
  }

  #add(route: Route): void {
    const { type, value } = route.match.path;
    if (type === "Exact") append(this.#exact, value, route);
    else if (type === "Prefix") append(this.#prefixes, value.replace(/\/+$/, ""), route);
    else if (type === "StringPrefix") this.#stringPrefixes.push(route);
    else {
      const pattern = compilePattern(value);
      if (pattern) this.#patterns.push({ route, pattern });
    }
  }

  #longestPrefix(request: RoutedRequest): Route | undefined {
    const { path } = request;
    const text = this.#stringPrefixes.find(
      ({ match }) => path.startsWith(match.path.value) && matches(match, request),
    );
    const atLeast = text ? text.match.path.value.replace(/\/+$/, "").length : 0;
    let end = path.endsWith("/") ? path.length - 1 : path.length;
    for (; end >= atLeast; end = path.lastIndexOf("/", end - 1)) {
      const route = firstMatching(this.#prefixes.get(path.slice(0, end)), request);
      if (route) return route;
      if (end === 0) break;
    }
    return text;
  }
}

/** Undefined for a pattern that is none: it matches nothing. */
function compilePattern(value: string): RegExp | undefined {
  try {
    return new RegExp(`^${value}`, "i");
  } catch {
    return undefined;
  }
}

function append(map: Map<string, Route[]>, key: string, route: Route): void {
  const known = map.get(key);
  if (known) known.push(route);
  else map.set(key, [route]);
}

const firstMatching = (routes: readonly Route[] | undefined, request: RoutedRequest): Route | undefined =>
  routes?.find(({ match }) => matches(match, request));

function matches({ method, headers, query }: RouteMatch, request: RoutedRequest): boolean {
  if (method !== undefined && method !== request.method) return false;
  if (headers && !headers.every((wanted) => satisfies(request.headers[wanted.name], wanted))) return false;
  if (!query) return true;
  const parameters = new URLSearchParams(request.query);
  return query.every((wanted) => satisfies(parameters.get(wanted.name) ?? undefined, wanted));
}

function satisfies(value: string | undefined, wanted: ValueMatch): boolean {
  if (value === undefined) return false;
  if (typeof wanted.value === "string") return value === wanted.value;
  return wanted.value.exec(value)?.[0] === value;
}

const compareMatches = (a: RouteMatch, b: RouteMatch): number =>
  Number(b.method !== undefined) - Number(a.method !== undefined) ||
  (b.headers?.length ?? 0) - (a.headers?.length ?? 0) ||
  (b.query?.length ?? 0) - (a.query?.length ?? 0);
