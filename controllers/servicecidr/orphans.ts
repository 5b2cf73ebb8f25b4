import {
  hasServiceAddress,
  type IpPrefix,
  prefixContains,
  readIp,
  readPrefix,
} from "../../machinery/api/ip-address.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import {
  IP_ALLOCATOR,
  IP_MANAGED_BY_LABEL,
  type IPAddress,
  type ServiceCIDR,
} from "../../machinery/api/networking-v1.js";

export type CachedCidr = DeepReadonly<ServiceCIDR>;
export type CachedAddress = DeepReadonly<IPAddress>;

const prefixesOf = ({ spec }: CachedCidr): IpPrefix[] => spec.cidrs.flatMap((cidr) => readPrefix(cidr) ?? []);

/** The ranges that an address lies in; none for addresses that are not the API server's to give. */
export function cidrsWith({ metadata }: CachedAddress, cidrs: readonly CachedCidr[]): CachedCidr[] {
  const address = readIp(metadata.name);
  if (!address || metadata.labels?.[IP_MANAGED_BY_LABEL] !== IP_ALLOCATOR) return [];
  return cidrs.filter((cidr) => prefixesOf(cidr).some((prefix) => hasServiceAddress(prefix, address)));
}

/** The ranges that lie in `cidr`, or that it lies in: what comes or goes with it may set them free. */
export const overlapping = (cidr: CachedCidr, cidrs: readonly CachedCidr[]): CachedCidr[] =>
  cidrs.filter((other) =>
    prefixesOf(cidr).some((a) => prefixesOf(other).some((b) => prefixContains(a, b) || prefixContains(b, a))),
  );

/** Whether no address would be left without a range (upstream canDeleteCIDR). */
export function canDelete(
  cidr: CachedCidr,
  cidrs: readonly CachedCidr[],
  addresses: readonly CachedAddress[],
): boolean {
  const others = cidrs.filter(({ metadata }) => metadata.name !== cidr.metadata.name);
  const isCovered = prefixesOf(cidr).every((prefix) =>
    others.some((other) => prefixesOf(other).some((outer) => prefixContains(outer, prefix))),
  );
  if (isCovered) return true;
  return !addresses.some((address) => {
    const [first, ...more] = cidrsWith(address, cidrs);
    return first?.metadata.name === cidr.metadata.name && more.length === 0;
  });
}
