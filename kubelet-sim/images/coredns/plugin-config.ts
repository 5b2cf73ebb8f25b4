import { CorefileError, type Directive } from "../../../machinery/dns/corefile.js";
import { CACHE_DEFAULTS, type CacheLimits, type CacheOptions } from "../../../machinery/dns/plugins/cache.js";
import type { HostsOptions } from "../../../machinery/dns/plugins/hosts.js";
import type { KubernetesOptions } from "../../../machinery/dns/plugins/kubernetes.js";
import type { TemplateOptions } from "../../../machinery/dns/plugins/template.js";
import { RCODES, type Rcode } from "../../../machinery/dns/reply.js";
import { isIp } from "../../../machinery/network/addresses.js";
import { parseDurationMs } from "../../shell/tool.js";
import type { ForwardConfig, PluginSource } from "./server-config.js";

const zoneNames = (args: readonly string[]): string[] =>
  args.map((text) => text.toLowerCase().replace(/\.$/, ""));

/** `fallthrough [ZONES...]`; undefined where it is not there. */
const fallthroughOf = ({ body }: Directive, zones: readonly string[]): readonly string[] | undefined => {
  const found = body.find(({ name }) => name === "fallthrough");
  if (!found) return undefined;
  return found.args.length > 0 ? zoneNames(found.args) : zones;
};

/** A mistake inside of a plugin, in CoreDNS's words. */
const mistake = (plugin: string, { path }: PluginSource, line: number, problem: string): CorefileError => {
  const error = new CorefileError(path, line, problem);
  error.message = `plugin/${plugin}: ${error.message}`;
  return error;
};

const POD_MODES = ["disabled", "verified", "insecure"] as const;
const KUBERNETES_PROPERTIES = new Set(
  (
    "endpoint tls kubeconfig apiserver_qps apiserver_burst apiserver_max_inflight namespaces labels namespace_labels " +
    "pods endpoint_pod_names ttl noendpoints fallthrough ignore multicluster startup_timeout transfer"
  ).split(" "),
);
const USUAL_TTL_SECONDS = 5;
const LONGEST_TTL_SECONDS = 3600;

// Upstream: coredns plugin/kubernetes setup.go ParseStanza.
export function kubernetesOptions(
  directive: Directive,
  at: PluginSource,
): Omit<KubernetesOptions, "localIPs"> {
  const { args, body } = directive;
  const property = (name: string): Directive | undefined => body.find((line) => line.name === name);
  const unknown = body.find(({ name }) => !KUBERNETES_PROPERTIES.has(name));
  if (unknown) throw mistake("kubernetes", at, unknown.line, `unknown property '${unknown.name}'`);
  const zones = args.length > 0 ? zoneNames(args) : at.zones;
  const domain = zones.find((zone) => !zone.endsWith(".arpa"));
  if (domain === undefined) {
    const problem = "non-reverse zone name must be used for Kubernetes";
    throw mistake("kubernetes", at, directive.line, problem);
  }
  const namespaces = property("namespaces")?.args.map((name) => name.toLowerCase());
  const podsLine = property("pods");
  const pods = podsLine ? POD_MODES.find((mode) => mode === podsLine.args[0]) : "disabled";
  if (!pods) {
    const problem = `wrong value for pods: ${podsLine?.args[0] ?? ""},  must be one of: ${POD_MODES.join(", ")}`;
    throw mistake("kubernetes", at, podsLine?.line ?? 0, problem);
  }
  const ttlLine = property("ttl");
  const ttlSeconds = Number(ttlLine?.args[0] ?? USUAL_TTL_SECONDS);
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > LONGEST_TTL_SECONDS) {
    throw mistake(
      "kubernetes",
      at,
      ttlLine?.line ?? 0,
      `ttl must be in range [0, ${LONGEST_TTL_SECONDS}]: ${ttlSeconds}`,
    );
  }
  return {
    zones,
    domain,
    ttlSeconds,
    pods,
    endpointPodNames: property("endpoint_pod_names") !== undefined,
    ...(namespaces ? { namespaces } : {}),
    ignoreEmptyServices: property("ignore")?.args[0] === "empty_service",
    fallthrough: fallthroughOf(directive, zones),
  };
}

// Upstream: coredns plugin/cache setup.go cacheParse.
export function cacheOptions({ args, body, line }: Directive, at: PluginSource): CacheOptions {
  const words = [...args];
  const ttl = /^\d+$/.test(words[0] ?? "") ? Number(words.shift()) : undefined;
  if (ttl === 0) throw mistake("cache", at, line, "cache TTL can not be zero or negative: 0");
  const zones = words.length > 0 ? zoneNames(words) : at.zones;
  const limits = (name: "success" | "denial"): CacheLimits => {
    const usual = CACHE_DEFAULTS[name];
    const [capacity, most, least] = body.find((property) => property.name === name)?.args ?? [];
    return {
      capacity: Number(capacity ?? usual.capacity),
      mostTtl: Number(most ?? ttl ?? usual.mostTtl),
      leastTtl: Number(least ?? usual.leastTtl),
    };
  };
  const disabled = (name: "success" | "denial"): readonly string[] | undefined => {
    const found = body.find((property) => property.name === "disable" && property.args[0] === name);
    return found && zoneNames(found.args.slice(1));
  };
  const servfail = body.find(({ name }) => name === "servfail")?.args[0];
  return {
    zones,
    success: limits("success"),
    denial: limits("denial"),
    servfailSeconds:
      servfail === undefined ? CACHE_DEFAULTS.servfailSeconds : (parseDurationMs(servfail) ?? 0) / 1000,
    disabledSuccess: disabled("success"),
    disabledDenial: disabled("denial"),
  };
}

// Upstream: coredns plugin/hosts setup.go.
export function hostsOptions(directive: Directive, at: PluginSource): HostsOptions {
  const [file, ...zoneArgs] = directive.args;
  const entries = directive.body.filter(({ name }) => isIp(name));
  const inline = entries.map(({ name, args }) => [name, ...args].join(" ")).join("\n");
  const ttl = directive.body.find(({ name }) => name === "ttl")?.args[0];
  const zones = zoneArgs.length > 0 ? zoneNames(zoneArgs) : at.zones;
  return {
    text: `${entries.length > 0 && file === undefined ? "" : at.readFile(file ?? "/etc/hosts")}\n${inline}`,
    zones,
    ttlSeconds: Number(ttl ?? LONGEST_TTL_SECONDS),
    reverse: !directive.body.some(({ name }) => name === "no_reverse"),
    fallthrough: fallthroughOf(directive, zones),
  };
}

const POLICIES = ["random", "round_robin", "sequential"] as const;

// Upstream: coredns plugin/forward setup.go parseStanza.
export function forwardConfig({ args, body, line }: Directive, at: PluginSource): ForwardConfig {
  const [from, ...to] = args;
  if (from === undefined || to.length === 0) {
    throw mistake("forward", at, line, "Wrong argument count or unexpected line ending after 'forward'");
  }
  const property = (name: string): readonly string[] => body.find((found) => found.name === name)?.args ?? [];
  const [policyName = "random"] = property("policy");
  const policy = POLICIES.find((name) => name === policyName);
  if (!policy) throw mistake("forward", at, line, `unknown policy '${policyName}'`);
  return {
    from: zoneNames([from])[0] ?? "",
    to,
    except: zoneNames(property("except")),
    policy,
    mostConcurrent: Number(property("max_concurrent")[0] ?? 0),
  };
}

// Upstream: coredns plugin/template setup.go templateParse.
export function templateOptions(directive: Directive, at: PluginSource): TemplateOptions {
  const { args, body, line } = directive;
  const [className = "", type, ...zoneArgs] = args;
  if (type === undefined || !["IN", "ANY"].includes(className.toUpperCase())) {
    throw mistake("template", at, line, `invalid RR class ${className}`);
  }
  const lines = (name: string): readonly Directive[] => body.filter((property) => property.name === name);
  const texts = (name: string): string[] => lines(name).map((property) => property.args.join(" "));
  const rcodes = Object.keys(RCODES) as Rcode[];
  const wantedRcode = (lines("rcode")[0]?.args[0] ?? "NOERROR").toUpperCase();
  const rcode = rcodes.find((name) => name === wantedRcode);
  if (!rcode) throw mistake("template", at, line, `unknown rcode ${wantedRcode}`);
  const matches = lines("match").flatMap((property) =>
    property.args.map((text) => ({ text, line: property.line })),
  );
  const zones = zoneArgs.length > 0 ? zoneNames(zoneArgs) : at.zones;
  return {
    type: type.toUpperCase(),
    zones,
    patterns: matches.length > 0 ? matches.map((match) => pattern(match, at)) : [/.*/],
    answers: texts("answer"),
    additionals: texts("additional"),
    authorities: texts("authority"),
    rcode,
    fallthrough: fallthroughOf(directive, zones),
  };
}

/** A regular expression of Go, as far as JavaScript writes it otherwise. */
function pattern({ text, line }: { text: string; line: number }, at: PluginSource): RegExp {
  try {
    return new RegExp(text.replace(/^\(\?i\)/, "").replaceAll("(?P<", "(?<"), "i");
  } catch {
    throw mistake("template", at, line, `could not parse regex: ${text}`);
  }
}
