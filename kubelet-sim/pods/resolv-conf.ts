import type { Pod } from "../../machinery/api/core-v1.js";

export interface DnsSettings {
  clusterDns: string;
  clusterDomain: string;
  /** What the node itself uses: the text of pods with dnsPolicy Default. */
  nodeNameservers: readonly string[];
}

interface Resolver {
  nameservers: string[];
  searches: string[];
  options: string[];
}

/** A pod's /etc/resolv.conf, and what of the wish did not fit: messages of Warning events `DNSConfigForming`. */
export interface PodDns {
  text: string;
  warnings: readonly string[];
}

const MOST_NAMESERVERS = 3;
const MOST_SEARCHES = 32;
const LONGEST_SEARCH_LINE = 2048;

// Upstream: pkg/kubelet/network/dns GetPodDNS, formDNSConfigFitsLimits.
export function podDns(pod: Pod, settings: DnsSettings): PodDns {
  const base = policyResolver(pod, settings);
  const extra = pod.spec.dnsConfig;
  const options = mergeOptions(
    base.options,
    (extra?.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : name)),
  );
  const wantedServers = unique([...base.nameservers, ...(extra?.nameservers ?? [])]);
  const nameservers = wantedServers.slice(0, MOST_NAMESERVERS);
  const wantedSearches = unique([...base.searches, ...(extra?.searches ?? [])]);
  const searches = fittingSearches(wantedSearches);
  const warnings: string[] = [];
  if (searches.length < wantedSearches.length) {
    warnings.push(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.join(" ")}`,
    );
  }
  if (nameservers.length < wantedServers.length) {
    warnings.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${nameservers.join(" ")}`,
    );
  }
  const lines: string[] = [];
  if (searches.length > 0) lines.push(`search ${searches.join(" ")}`);
  for (const nameserver of nameservers) lines.push(`nameserver ${nameserver}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return { text: `${lines.join("\n")}\n`, warnings };
}

/** The whole text of a pod's /etc/resolv.conf. */
export const resolvConf = (pod: Pod, settings: DnsSettings): string => podDns(pod, settings).text;

function fittingSearches(searches: readonly string[]): string[] {
  const kept = searches.slice(0, MOST_SEARCHES);
  while (kept.join(" ").length > LONGEST_SEARCH_LINE) kept.pop();
  return kept;
}

function policyResolver(pod: Pod, settings: DnsSettings): Resolver {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { nameservers: [], searches: [], options: [] };
  const outside = policy === "Default" || (policy === "ClusterFirst" && pod.spec.hostNetwork === true);
  if (outside) return { nameservers: [...settings.nodeNameservers], searches: [], options: [] };
  const domain = settings.clusterDomain;
  return {
    nameservers: [settings.clusterDns],
    searches: [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain],
    options: ["ndots:5"],
  };
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];

/** A later option of the same name replaces the earlier one. */
function mergeOptions(base: readonly string[], extra: readonly string[]): string[] {
  const byName = new Map<string, string>();
  for (const option of [...base, ...extra]) byName.set(option.split(":")[0] ?? option, option);
  return [...byName.values()];
}
