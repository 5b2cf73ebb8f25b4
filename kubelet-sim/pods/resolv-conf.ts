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

// Upstream: pkg/kubelet/network/dns GetPodDNS.
/** The whole text of a pod's /etc/resolv.conf. */
export function resolvConf(pod: Pod, settings: DnsSettings): string {
  const base = policyResolver(pod, settings);
  const extra = pod.spec.dnsConfig;
  const options = mergeOptions(
    base.options,
    (extra?.options ?? []).map(({ name, value }) => (value ? `${name}:${value}` : name)),
  );
  const nameservers = unique([...base.nameservers, ...(extra?.nameservers ?? [])]).slice(0, 3);
  const searches = unique([...base.searches, ...(extra?.searches ?? [])]);
  const lines: string[] = [];
  if (searches.length > 0) lines.push(`search ${searches.join(" ")}`);
  for (const nameserver of nameservers) lines.push(`nameserver ${nameserver}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return `${lines.join("\n")}\n`;
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
