import type { HTTPIngressPath, Ingress, IngressBackend } from "../api/networking-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";
import { objectKey } from "../api/resource.js";
import { Settings, toPolicy } from "./annotations.js";
import type {
  Canary,
  PathMatch,
  Route,
  RoutePolicy,
  ServiceTarget,
  VirtualHost,
  WeightedTarget,
} from "./route.js";

type ReadonlyIngress = DeepReadonly<Ingress>;

/** Hosts that an Ingress has to do with; "" is every host. Aliases are hosts too. */
export function hostsOf(ingress: ReadonlyIngress): string[] {
  const rules = ingress.spec.rules ?? [];
  const named = rules.map(({ host }) => hostKey(host));
  const aliases = new Settings(ingress.metadata.annotations).list("server-alias").map(hostKey);
  if (rules.length === 0 && ingress.spec.defaultBackend) named.push("");
  return [...new Set([...named, ...aliases])];
}

const hostKey = (host: string | undefined): string => (host ?? "").toLowerCase();

/**
 * What the Ingresses of one host say together, as ingress-nginx reads them: of two that want the same path the older one has
 * it; an Ingress's default backend serves what none of its host's paths matches; canaries hang on the route they stand beside.
 * With `use-regex` or `rewrite-target` on any of them every path of the host is a regular expression.
 */
export function toVirtualHost(
  host: string,
  ingresses: readonly ReadonlyIngress[],
  defaults: Readonly<Record<string, string>> = {},
): VirtualHost {
  const sources = ingresses
    .toSorted(compareAge)
    .map((ingress) => toSource(host, ingress, new Settings(ingress.metadata.annotations, defaults)));
  const stable = sources.filter(({ canary }) => !canary);
  const usesRegex = stable.some(({ settings }) => wantsRegex(settings));
  const routes = new Map<string, Route>();
  for (const source of stable) {
    for (const path of source.paths) {
      const match = toPathMatch(path, usesRegex);
      const key = `${match.type} ${match.value}`;
      if (!routes.has(key)) routes.set(key, toRoute(source, match, path.backend));
    }
  }
  for (const source of sources) if (source.canary) addCanary(source, routes, usesRegex);
  const withFallback = stable.find(({ ingress }) => ingress.spec.defaultBackend);
  const tls = tlsOf(host, stable);
  return {
    host,
    routes: [...routes.values()],
    ...(withFallback ? { fallback: toFallback(withFallback) } : {}),
    ...(tls ? { tls } : {}),
  };
}

interface Source {
  ingress: ReadonlyIngress;
  settings: Settings;
  policy: RoutePolicy;
  canary: boolean;
  paths: DeepReadonly<HTTPIngressPath>[];
}

function toSource(host: string, ingress: ReadonlyIngress, settings: Settings): Source {
  const isAlias = settings.list("server-alias").map(hostKey).includes(host);
  const rules = (ingress.spec.rules ?? []).filter((rule) => isAlias || hostKey(rule.host) === host);
  return {
    ingress,
    settings,
    policy: toPolicy(settings),
    canary: settings.flag("canary", false),
    paths: rules.flatMap(({ http }) => http?.paths ?? []),
  };
}

/** The older one first; then by namespace and name. */
export function compareAge(a: ReadonlyIngress, b: ReadonlyIngress): number {
  const [left, right] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (left !== right) return left < right ? -1 : 1;
  return objectKey(a) < objectKey(b) ? -1 : 1;
}

const wantsRegex = (settings: Settings): boolean =>
  settings.flag("use-regex", false) || settings.own("rewrite-target") !== undefined;

function toPathMatch({ path, pathType }: DeepReadonly<HTTPIngressPath>, usesRegex: boolean): PathMatch {
  const value = path === undefined || path === "" ? "/" : path;
  if (usesRegex) return { type: "Regex", value };
  if (pathType === "Exact") return { type: "Exact", value };
  return { type: pathType === "Prefix" ? "Prefix" : "StringPrefix", value };
}

function toRoute({ ingress, policy }: Source, path: PathMatch, backend: DeepReadonly<IngressBackend>): Route {
  return { match: { path }, owner: objectKey(ingress), targets: toTargets(ingress, backend), policy };
}

const toFallback = (source: Source): Route =>
  toRoute(source, { type: "Prefix", value: "/" }, source.ingress.spec.defaultBackend ?? {});

/** A resource backend is for controllers that know its kind: here nothing can serve it. */
function toTargets(ingress: ReadonlyIngress, backend: DeepReadonly<IngressBackend>): WeightedTarget[] {
  const { service } = backend;
  if (!service) return [];
  const target: ServiceTarget = {
    namespace: ingress.metadata.namespace ?? "default",
    name: service.name,
    port: service.port?.name ?? service.port?.number ?? 0,
  };
  return [{ target, weight: 1 }];
}

function addCanary(source: Source, routes: Map<string, Route>, usesRegex: boolean): void {
  for (const path of source.paths) {
    const match = toPathMatch(path, usesRegex);
    const key = `${match.type} ${match.value}`;
    const route = routes.get(key);
    // One canary a route; without a route to stand beside it has nothing to do.
    if (route && !route.canary) routes.set(key, { ...route, canary: toCanary(source, path.backend) });
  }
}

function toCanary({ ingress, settings }: Source, backend: DeepReadonly<IngressBackend>): Canary {
  const header = settings.own("canary-by-header");
  const value = settings.own("canary-by-header-value");
  const pattern = value === undefined ? toPattern(settings.own("canary-by-header-pattern")) : undefined;
  const cookie = settings.own("canary-by-cookie");
  return {
    targets: toTargets(ingress, backend),
    owner: objectKey(ingress),
    weight: settings.number("canary-weight") ?? 0,
    weightTotal: settings.number("canary-weight-total") ?? 100,
    ...(header
      ? {
          header: {
            name: header.toLowerCase(),
            ...(value === undefined ? {} : { value }),
            ...(pattern ? { pattern } : {}),
          },
        }
      : {}),
    ...(cookie ? { cookie } : {}),
  };
}

function toPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}

/** A host that is listed has TLS, if need be with the default certificate; an entry without hosts is for all of its rules. */
function tlsOf(host: string, sources: readonly Source[]): { secret?: string } | undefined {
  let listed = false;
  for (const { ingress } of sources) {
    for (const { hosts, secretName } of ingress.spec.tls ?? []) {
      const names = (hosts ?? []).map(hostKey);
      const covers = names.length === 0 || names.includes(host) || names.includes(wildcardOf(host));
      if (!covers) continue;
      if (secretName) return { secret: `${ingress.metadata.namespace ?? "default"}/${secretName}` };
      listed = true;
    }
  }
  return listed ? {} : undefined;
}

const wildcardOf = (host: string): string => `*${host.slice(Math.max(0, host.indexOf(".")))}`;
