import { createHash } from "node:crypto";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { Backend, ServicePortRoute } from "../dataplane/table.js";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The first characters of base32 over a SHA-256, by which kube-proxy keeps the names of chains short and apart. */
function hashed(text: string, length: number): string {
  const digest = createHash("sha256").update(text).digest();
  const bits = [...digest.subarray(0, 10)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letter = (_: unknown, i: number): string =>
    BASE32[Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)] ?? "";
  return Array.from({ length }, letter).join("");
}

export const protocolOf = (route: ServicePortRoute): string => route.protocol.toLowerCase();

/** What the chains of one service port have in common: `KUBE-SVC-` and this. */
export const iptablesSuffix = (route: ServicePortRoute): string =>
  hashed(route.servicePort + protocolOf(route), 16);

export const endpointChain = (route: ServicePortRoute, endpoint: Backend): string =>
  `KUBE-SEP-${hashed(`${route.servicePort}${protocolOf(route)}${formatAddress(endpoint)}`, 16)}`;

/** `ULMVA6XW-ns1/svc1/tcp/p80`, for nftables, where names may be long. */
export const nftablesName = (route: ServicePortRoute): string => {
  const base = nftablesBase(route);
  return `${hashed(base, 8)}-${base}`;
};

export const nftablesEndpointName = (route: ServicePortRoute, { ip, port }: Backend): string => {
  const base = `${nftablesBase(route)}__${ip}/${port}`;
  return `endpoint-${hashed(base, 8)}-${base}`;
};

function nftablesBase(route: ServicePortRoute): string {
  const [service, port = ""] = route.servicePort.split(":");
  return `${service}/${protocolOf(route)}/${port}`;
}
