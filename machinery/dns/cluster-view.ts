import type { Namespace, Pod, Service } from "../api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../api/discovery-v1.js";
import type { DeepReadonly } from "../api/meta-v1.js";

/** What cluster DNS knows of the cluster. Addresses are in their one spelling (`canonicalIp`). */
export interface ClusterView {
  namespace(name: string): DeepReadonly<Namespace> | undefined;
  service(namespace: string, name: string): DeepReadonly<Service> | undefined;
  /** By ClusterIP. */
  serviceByIP(ip: string): DeepReadonly<Service> | undefined;
  slices(namespace: string, service: string): readonly DeepReadonly<EndpointSlice>[];
  /** Slices that have an endpoint with this address. */
  slicesByIP(ip: string): readonly DeepReadonly<EndpointSlice>[];
  /** By pod address; only watched for `pods verified`. */
  podsByIP(ip: string): readonly DeepReadonly<Pod>[];
}

/** One endpoint of a Service as DNS names it. */
export interface NamedEndpoint {
  ip: string;
  /** Its hostname, or its address with dashes. */
  label: string;
  ports: readonly { name: string; protocol: string; port: number }[];
}

export interface EndpointNaming {
  /** `endpoint_pod_names`: endpoints without a hostname are called after their pods. */
  podNames: boolean;
}

/** Ready endpoints of both families, or all of them with publishNotReadyAddresses; an address in two slices counts once. */
export function endpointsOf(
  service: DeepReadonly<Service>,
  slices: readonly DeepReadonly<EndpointSlice>[],
  naming: EndpointNaming = { podNames: false },
): NamedEndpoint[] {
  const byIP = new Map<string, NamedEndpoint>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    const ports = (slice.ports ?? []).map((port) => ({
      name: port.name ?? "",
      protocol: (port.protocol ?? "TCP").toLowerCase(),
      port: port.port ?? 0,
    }));
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false && !service.spec.publishNotReadyAddresses) continue;
      for (const ip of endpoint.addresses) {
        const label = endpointLabel(endpoint, ip, naming).toLowerCase();
        byIP.set(ip, { ip, label, ports: [...(byIP.get(ip)?.ports ?? []), ...ports] });
      }
    }
  }
  return [...byIP.values()];
}

// Upstream: coredns plugin/kubernetes endpointHostname.
function endpointLabel(endpoint: DeepReadonly<Endpoint>, ip: string, { podNames }: EndpointNaming): string {
  if (endpoint.hostname) return endpoint.hostname;
  if (podNames && endpoint.targetRef?.kind === "Pod" && endpoint.targetRef.name)
    return endpoint.targetRef.name;
  const dashed = ip.replaceAll(/[.:]/g, "-");
  return dashed.endsWith("-") ? `${dashed}0` : dashed;
}

export const isHeadless = (service: DeepReadonly<Service>): boolean => service.spec.clusterIP === "None";

export const clusterIPsOf = ({ spec }: DeepReadonly<Service>): readonly string[] => {
  const all = spec.clusterIPs && spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP ?? ""];
  return all.filter((ip) => ip !== "" && ip !== "None");
};
