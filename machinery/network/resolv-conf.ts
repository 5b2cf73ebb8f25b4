import { canonicalIp, isIp } from "./addresses.js";
import type { SocketAddress } from "./network.js";

export interface ResolvConf {
  nameservers: readonly SocketAddress[];
  search: readonly string[];
  ndots: number;
  timeoutMs: number;
  attempts: number;
  /** Options `rotate`, `use-vc`, `single-request`. */
  rotate?: boolean;
  useTcp?: boolean;
  singleRequest?: boolean;
}

const DNS_PORT = 53;
const MOST_NAMESERVERS = 3;
const MOST_NDOTS = 15;
const MOST_TIMEOUT_SECONDS = 30;
const MOST_ATTEMPTS = 5;

/** As the C library limits options; nonsense counts as not there. */
const bounded = (value: number | undefined, fallback: number, most: number, least = 1): number =>
  value === undefined || !Number.isInteger(value) ? fallback : Math.max(least, Math.min(most, value));

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
    ndots: bounded(options.get("ndots"), 1, MOST_NDOTS, 0),
    timeoutMs: bounded(options.get("timeout"), 5, MOST_TIMEOUT_SECONDS) * 1000,
    attempts: bounded(options.get("attempts"), 2, MOST_ATTEMPTS),
    ...(options.has("rotate") ? { rotate: true } : {}),
    ...(options.has("use-vc") ? { useTcp: true } : {}),
    ...(options.has("single-request") || options.has("single-request-reopen") ? { singleRequest: true } : {}),
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
  if (!text.toLowerCase().includes(wanted)) return [];
  const addresses: string[] = [];
  for (const line of text.split("\n")) {
    const [ip, ...names] = (line.split("#", 1)[0] ?? "").trim().split(/\s+/);
    if (ip && isIp(ip) && names.some((name) => name.toLowerCase() === wanted)) addresses.push(ip);
  }
  const isIPv6 = (ip: string): boolean => ip.includes(":");
  return [...addresses.filter((ip) => !isIPv6(ip)), ...addresses.filter(isIPv6)];
}
