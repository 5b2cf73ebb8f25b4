import {
  CorefileError,
  type Directive,
  parseCorefile,
  type ServerBlock,
} from "../../../machinery/dns/corefile.js";
import type { CacheOptions } from "../../../machinery/dns/plugins/cache.js";
import type { HostsOptions } from "../../../machinery/dns/plugins/hosts.js";
import type { KubernetesOptions } from "../../../machinery/dns/plugins/kubernetes.js";
import { parseDurationMs } from "../../shell/tool.js";
import type { TemplateOptions } from "../../../machinery/dns/plugins/template.js";
import {
  cacheOptions,
  forwardConfig,
  hostsOptions,
  kubernetesOptions,
  templateOptions,
} from "./plugin-config.js";

/** Where a server block forwards to: addresses, or files like /etc/resolv.conf that name them. */
export interface ForwardConfig {
  from: string;
  to: readonly string[];
  except: readonly string[];
  policy: "random" | "round_robin" | "sequential";
  mostConcurrent: number;
}

/** One server block, read. Ports are undefined where the plugin is not there. */
export interface ServerConfig {
  /** Names it answers for, in lower case; "" is every name. */
  zones: readonly string[];
  port: number;
  errors: boolean;
  log: boolean;
  loadbalance: boolean;
  loop: boolean;
  whoami: boolean;
  reloadMs: number | undefined;
  lameduckMs: number;
  healthPort: number | undefined;
  readyPort: number | undefined;
  metricsPort: number | undefined;
  mostUdpBytes: number;
  cache: CacheOptions | undefined;
  templates: readonly TemplateOptions[];
  hosts: HostsOptions | undefined;
  kubernetes: Omit<KubernetesOptions, "localIPs"> | undefined;
  forwards: readonly ForwardConfig[];
  /** Plugins that CoreDNS has and this one does not. */
  notEmulated: readonly string[];
}

const DNS_PORT = 53;
const USUAL_UDP_BYTES = 1232;
const USUAL_RELOAD_MS = 30_000;
const LEAST_RELOAD_MS = 2000;

const EMULATED = new Set(
  "errors log loadbalance loop whoami reload health ready prometheus bufsize cache template hosts kubernetes forward".split(
    " ",
  ),
);
const NOT_EMULATED = new Set(
  (
    "root metadata geoip cancel tls quic timeouts multisocket nsid bind debug trace pprof dnstap local dns64 acl any " +
    "chaos tsig rewrite header dnssec autopath minimal transfer route53 azure clouddns k8s_external file auto " +
    "secondary etcd grpc erratic on sign view nomad"
  ).split(" "),
);

/** Properties that are read and change nothing. */
const NOT_HONOURED = {
  kubernetes: "endpoint kubeconfig labels namespace_labels noendpoints multicluster".split(" "),
  cache: "prefetch serve_stale keepttl".split(" "),
  forward: "tls tls_servername force_tcp health_check".split(" "),
} as const;

const ignoredProperties = (
  directives: readonly Directive[],
  plugin: string,
  names: readonly string[],
): string[] =>
  directives.flatMap(({ body }) =>
    body.filter(({ name }) => names.includes(name)).map(({ name }) => `${plugin}: ${name}`),
  );

/** Every server that a Corefile asks for. Throws CorefileError. */
export function parseServers(
  text: string,
  path: string,
  readFile: (path: string) => string,
  environment: ReadonlyMap<string, string>,
): ServerConfig[] {
  const blocks = parseCorefile(text, path, environment);
  return blocks.map((block) => serverConfig(block, path, readFile));
}

function serverConfig(block: ServerBlock, path: string, readFile: (path: string) => string): ServerConfig {
  const { zones, port } = addressesOf(block.keys);
  for (const { name, line } of block.directives) {
    if (!EMULATED.has(name) && !NOT_EMULATED.has(name))
      throw new CorefileError(path, line, `Unknown directive '${name}'`);
  }
  const all = (name: string): Directive[] => block.directives.filter((directive) => directive.name === name);
  const read = <T>(name: string, convert: (directive: Directive, at: PluginSource) => T): T | undefined => {
    const [directive] = all(name);
    return directive && convert(directive, { path, zones, readFile });
  };
  const lameduck = all("health")[0]?.body.find(({ name }) => name === "lameduck");
  return {
    zones,
    port,
    errors: all("errors").length > 0,
    log: all("log").length > 0,
    loadbalance: all("loadbalance").length > 0,
    loop: all("loop").length > 0,
    whoami: all("whoami").length > 0,
    reloadMs: read("reload", ({ args }) =>
      Math.max(LEAST_RELOAD_MS, parseDurationMs(args[0] ?? "") || USUAL_RELOAD_MS),
    ),
    lameduckMs: parseDurationMs(lameduck?.args[0] ?? "0") ?? 0,
    healthPort: read("health", portOf(8080)),
    readyPort: read("ready", portOf(8181)),
    metricsPort: read("prometheus", portOf(9153)),
    mostUdpBytes:
      read("bufsize", ({ args }) => Number(args[0] ?? USUAL_UDP_BYTES) || USUAL_UDP_BYTES) ?? 65_535,
    cache: read("cache", cacheOptions),
    templates: all("template").map((directive) => templateOptions(directive, { path, zones, readFile })),
    hosts: read("hosts", hostsOptions),
    kubernetes: read("kubernetes", kubernetesOptions),
    forwards: all("forward").map((directive) => forwardConfig(directive, { path, zones, readFile })),
    notEmulated: [
      ...new Set(block.directives.map(({ name }) => name).filter((name) => NOT_EMULATED.has(name))),
      ...ignoredProperties(all("kubernetes"), "kubernetes", NOT_HONOURED.kubernetes),
      ...ignoredProperties(all("cache"), "cache", NOT_HONOURED.cache),
      ...ignoredProperties(all("forward"), "forward", NOT_HONOURED.forward),
    ],
  };
}

/** Where a plugin's lines are, and what its server block answers for. */
export interface PluginSource {
  path: string;
  zones: readonly string[];
  readFile: (path: string) => string;
}

const portOf =
  (usual: number) =>
  ({ args }: Directive): number =>
    Number(/:(\d+)$/.exec(args[0] ?? "")?.[1] ?? usual);

/** `dns://.:53`, `example.org`, `cluster.local:1053`. The first port is everyone's. */
function addressesOf(keys: readonly string[]): { zones: string[]; port: number } {
  const parsed = keys.map((key) => /^(?:dns:\/\/)?(.*?)(?::(\d+))?$/.exec(key));
  const port = Number(parsed.find((match) => match?.[2])?.[2] ?? DNS_PORT);
  return { zones: parsed.map((match) => zoneName(match?.[1] ?? "")), port };
}

/** In lower case, without the dot at the end: "" for the root. */
export const zoneName = (text: string): string => text.toLowerCase().replace(/\.$/, "");

/** What runs where no Corefile is: it says who asked. */
export const WITHOUT_COREFILE: ServerConfig = {
  zones: [""],
  port: DNS_PORT,
  errors: false,
  log: true,
  loadbalance: false,
  loop: false,
  whoami: true,
  reloadMs: undefined,
  lameduckMs: 0,
  healthPort: undefined,
  readyPort: undefined,
  metricsPort: undefined,
  mostUdpBytes: USUAL_UDP_BYTES,
  cache: undefined,
  templates: [],
  hosts: undefined,
  kubernetes: undefined,
  forwards: [],
  notEmulated: [],
};
