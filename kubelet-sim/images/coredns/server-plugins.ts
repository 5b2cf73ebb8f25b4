import type { RecordType } from "dns-packet";
import type { Rng } from "../../../machinery/api/rng.js";
import type { Clock } from "../../../machinery/api/clock.js";
import type { ClusterView } from "../../../machinery/dns/cluster-view.js";
import { Cache } from "../../../machinery/dns/plugins/cache.js";
import { forward } from "../../../machinery/dns/plugins/forward.js";
import { hosts } from "../../../machinery/dns/plugins/hosts.js";
import { kubernetes } from "../../../machinery/dns/plugins/kubernetes.js";
import { loadbalance } from "../../../machinery/dns/plugins/loadbalance.js";
import type { DnsHandler, DnsPlugin } from "../../../machinery/dns/plugins/plugin.js";
import { template } from "../../../machinery/dns/plugins/template.js";
import { emptyReply } from "../../../machinery/dns/reply.js";
import { canonicalIp, isIp, parseAddress } from "../../../machinery/network/addresses.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { parseResolvConf } from "../../../machinery/network/resolv-conf.js";
import type { DnsAnswer } from "../../../machinery/network/resolver.js";
import type { CorednsMetrics, ServerLabels } from "./metrics.js";
import type { ForwardConfig, ServerConfig } from "./server-config.js";

/** What plugins need from the program around them. */
export interface PluginSeams {
  clock: Clock;
  rng: Rng;
  readFile: (path: string) => string;
  query: (name: string, type: RecordType, server: SocketAddress) => Promise<DnsAnswer | undefined>;
  /** Undefined in a server without plugin `kubernetes`. */
  view: (ClusterView & { hasSynced(): boolean }) | undefined;
  serial: () => number;
  localIPs: readonly string[];
  metrics: CorednsMetrics;
  labels: ServerLabels;
}

/** The chain of one server, in CoreDNS's fixed order (plugin.cfg), and its cache. */
export function buildPlugins(
  config: ServerConfig,
  seams: PluginSeams,
): { handler: DnsHandler; cache?: Cache } {
  const { clock, rng, metrics, labels, view, serial, localIPs } = seams;
  const cache =
    config.cache &&
    new Cache(config.cache, clock, {
      hit: (kind) => metrics.cacheHit(kind, labels),
      miss: () => metrics.cacheMiss(labels),
      evicted: (kind) => metrics.cacheEvicted(kind, labels),
    });
  const whole: { handler: DnsHandler } = { handler: () => emptyReply("SERVFAIL") };
  const plugins: DnsPlugin[] = [];
  if (config.loadbalance) plugins.push(loadbalance(rng.fork("loadbalance")));
  if (cache) plugins.push(cache.plugin);
  for (const options of config.templates) plugins.push(template(options));
  if (config.hosts) plugins.push(hosts(config.hosts));
  if (config.kubernetes && view) {
    const lookup: DnsHandler = (request) => whole.handler(request);
    plugins.push(kubernetes({ ...config.kubernetes, localIPs }, { view, serial, lookup }));
  }
  for (const [i, options] of config.forwards.entries()) {
    const upstreams = upstreamsOf(options, seams.readFile);
    const observe = (to: string, rcode: string): void => metrics.forwarded(to, rcode);
    plugins.push(
      forward({ ...options, upstreams }, { query: seams.query, rng: rng.fork(`forward-${i}`), observe }),
    );
  }
  if (config.whoami) plugins.push(whoami);
  // Nobody is left to ask: upstream says "no next plugin found".
  const last: DnsHandler = ({ question }) => ({
    ...emptyReply("SERVFAIL"),
    problem: `plugin/kubernetes: no next plugin found (${question.name}.)`,
  });
  whole.handler = plugins.reduceRight((next, plugin) => plugin(next), last);
  return { handler: whole.handler, ...(cache ? { cache } : {}) };
}

const DNS_PORT = 53;

/** Addresses as they are; files in the form of resolv.conf for the name servers in them. */
function upstreamsOf({ to }: ForwardConfig, readFile: (path: string) => string): SocketAddress[] {
  return to.flatMap((target) => {
    const text = target.replace(/^dns:\/\//, "");
    const address = parseAddress(text);
    if (address) return [{ ...address, ip: canonicalIp(address.ip) }];
    if (isIp(text)) return [{ ip: canonicalIp(text), port: DNS_PORT }];
    return parseResolvConf(readFile(text)).nameservers;
  });
}

/** Says who asked, in the additional section. */
const whoami: DnsPlugin =
  () =>
  ({ question, from, protocol }) => {
    const { name } = question;
    return {
      ...emptyReply("NOERROR", true),
      by: "whoami",
      additionals: [
        { name, type: from.ip.includes(":") ? "AAAA" : "A", ttl: 0, class: "IN", data: from.ip },
        {
          name: `_${protocol}.${name}`,
          type: "SRV",
          ttl: 0,
          class: "IN",
          data: { priority: 0, weight: 0, port: from.port, target: "" },
        },
      ],
    };
  };
