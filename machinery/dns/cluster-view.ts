import type { Namespace, Service } from "../api/core-v1.js";
import type { EndpointSlice } from "../api/discovery-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";

/** What cluster DNS knows of the cluster. */
export interface ClusterView {
  namespace(name: string): DeepReadonly<Namespace> | undefined;
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  /** By ClusterIP. */
  serviceByIP(ip: string): DeepReadonly<Service> | undefined;
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  /** Slices that have an endpoint with this address. */
  slicesByIP(ip: string): readonly DeepReadonly<EndpointSlice>[];
}

/** One endpoint of a headless Service as DNS names it. */
export interface NamedEndpoint {
  ip: string;
  /** Its hostname, or its address with dashes. */
  label: string;
  ports: readonly { name: string; protocol: string; port: number }[];
}

/** Ready endpoints, or all of them with publishNotReadyAddresses; an address that is in two slices counts once. */
export function endpointsOf(
  service: DeepReadonly<Service>,
  slices: readonly DeepReadonly<EndpointSlice>[],
): NamedEndpoint[] {
  const byIP = new Map<string, NamedEndpoint>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    const ports = (slice.ports ?? []).map((port) => ({
      name: port.name ?? "",
      protocol: (port.protocol ?? "TCP").toLowerCase(),
      port: port.port ?? 0,
    }));
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false && !service.spec.publishNotReadyAddresses) continue;
      for (const ip of endpoint.addresses) {
        const label = endpoint.hostname || ip.replaceAll(".", "-");
        byIP.set(ip, { ip, label: label.toLowerCase(), ports: [...(byIP.get(ip)?.ports ?? []), ...ports] });
      }
    }
  }
  return [...byIP.values()];
}

export const isHeadless = (service: DeepReadonly<Service>): boolean => service.spec.clusterIP === "None";
