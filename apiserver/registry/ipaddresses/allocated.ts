import { type Clock, toTime } from "../../../machinery/api/clock.js";
import type { Service } from "../../../machinery/api/core-v1.js";
import {
  IP_ALLOCATOR,
  IP_FAMILY_LABEL,
  IP_MANAGED_BY_LABEL,
  type IPAddress,
  ipAddresses,
} from "../../../machinery/api/networking-v1.js";
import type { Rng } from "../../../machinery/api/rng.js";
import type { Companions, KeyValue } from "../../storage/storage.js";
import { encoder, fromBytes } from "../object-bytes.js";
import { keyPrefix } from "../store-core.js";

/** The IPAddress of one of a Service's cluster IPs, as the server fills it in; `ip` in canonical form. */
export const newServiceAddress = (
  ip: string,
  { namespace, name }: Service["metadata"],
  { rng, clock }: { rng: Rng; clock: Clock },
): IPAddress => ({
  apiVersion: ipAddresses.apiVersion,
  kind: ipAddresses.kind,
  metadata: {
    name: ip,
    uid: rng.uuid(),
    resourceVersion: "",
    creationTimestamp: toTime(clock.nowMs()),
    labels: {
      [IP_FAMILY_LABEL]: ip.includes(":") ? "IPv6" : "IPv4",
      [IP_MANAGED_BY_LABEL]: IP_ALLOCATOR,
    },
  },
  spec: { parentRef: { group: "", resource: "services", ...(namespace ? { namespace } : {}), name } },
});

const keyOf = (ip: string): string => keyPrefix(ipAddresses) + ip;

export const createdWith = (addresses: readonly IPAddress[]): Companions["created"] =>
  addresses.map((address) => ({ key: keyOf(address.metadata.name), encode: encoder(address) }));

/** Whatever is kept by finalizers stays: the repair loop deletes it in the ordinary way. */
export const deletedWith = (ips: readonly string[]): Companions["deleted"] =>
  ips.map((ip) => ({
    key: keyOf(ip),
    encode: (current: KeyValue) => {
      const address = fromBytes(current.value) as IPAddress;
      return address.metadata.finalizers?.length ? undefined : encoder(address);
    },
  }));
