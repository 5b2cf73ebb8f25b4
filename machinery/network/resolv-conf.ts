import { canonicalIp, isIp } from "./addresses.js";
import type { SocketAddress } from "./network.js";

export interface ResolvConf {
  nameservers: readonly SocketAddress[];
  search: readonly string[];
  ndots: number;
  timeoutMs: number;
  attempts: number;
}

const DNS_PORT = 53;
const MOST_NAMESERVERS = 3;

/** resolv.conf(5). Unknown lines and options are passed over. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: SocketAddress[] = [];
  let search: string[] = [];
  const options = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values[0]) nameservers.push({ ip: canonicalIp(values[0]), port: DNS_PORT });
    else if (key === "search" || key === "domain") search = values;
    else if (key === "options") {
      for (const option of values) {
        const [name = "", value = "1"] = option.split(":");
        options.set(name, Number(value));
      }
    }
  }
  return {
    nameservers: nameservers.slice(0, MOST_NAMESERVERS),
    search,
    ndots: options.get("ndots") ?? 1,
    timeoutMs: (options.get("timeout") ?? 5) * 1000,
    attempts: options.get("attempts") ?? 2,
  };
}

/** Full names to try, in order: the name itself comes first when it has `ndots` dots or more. */
export function searchNames(host: string, { search, ndots }: Pick<ResolvConf, "search" | "ndots">): string[] {
  if (host.endsWith(".")) return [host.slice(0, -1)];
  const dots = host.split(".").length - 1;
  const suffixed = search.map((domain) => `${host}.${domain}`);
  return dots >= ndots ? [host, ...suffixed] : [...suffixed, host];
}

/** hosts(5): the addresses of a name, IPv4 first; names ignore case. */
export function hostsAddresses(text: string, host: string): string[] {
  const wanted = host.toLowerCase().replace(/\.$/, "");
  const addresses: string[] = [];
  for (const line of text.split("\n")) {
    const [ip, ...names] = (line.split("#", 1)[0] ?? "").trim().split(/\s+/);
    if (ip && isIp(ip) && names.some((name) => name.toLowerCase() === wanted)) addresses.push(ip);
  }
  const isIPv6 = (ip: string): boolean => ip.includes(":");
  return [...addresses.filter((ip) => !isIPv6(ip)), ...addresses.filter(isIPv6)];
}

/** A dotted quad, as an A record has it. */
export const isIpAddress = (text: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split(".").every((part) => Number(part) <= 255);
