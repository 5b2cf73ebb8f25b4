import type { Namespace, Pod, Service } from "../api/core-v1.js";
import { type Endpoint, type EndpointSlice, SERVICE_NAME_LABEL } from "../api/discovery-v1.js";
import type { ClusterView } from "./cluster-view.js";

const HTTPS = [{ name: "https", protocol: "TCP" as const, port: 443 }];

/** A Service of namespace default; one port `https` unless it says otherwise. */
export function aService(name: string, spec: Partial<Service["spec"]>): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: {
      type: "ClusterIP",
      sessionAffinity: "None",
      ports: HTTPS.map((port) => ({ ...port, targetPort: 443 })),
      ...spec,
    },
    status: { loadBalancer: {} },
  } as unknown as Service;
}

/** A slice of a Service of namespace default. */
export function aSlice(
  service: string,
  endpoints: readonly Endpoint[],
  { addressType = "IPv4", ports = HTTPS }: Partial<Pick<EndpointSlice, "addressType" | "ports">> = {},
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-${addressType}`,
      namespace: "default",
      labels: { [SERVICE_NAME_LABEL]: service },
    },
    addressType,
    endpoints,
    ports,
  } as unknown as EndpointSlice;
}

/** What a name server sees of a cluster whose namespaces are default and kube-system. */
export function aView(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  pods: readonly Pod[] = [],
): ClusterView {
  const nameOf = ({ metadata }: EndpointSlice): string | undefined => metadata.labels?.[SERVICE_NAME_LABEL];
  return {
    namespace: (name) =>
      ["default", "kube-system"].includes(name) ? ({ metadata: { name } } as Namespace) : undefined,
    service: (namespace, name) =>
      services.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
    serviceByIP: (ip) => services.find(({ spec }) => (spec.clusterIPs ?? [spec.clusterIP]).includes(ip)),
    slices: (namespace, service) =>
      slices.filter((slice) => nameOf(slice) === service && slice.metadata.namespace === namespace),
    slicesByIP: (ip) =>
      slices.filter(({ endpoints }) => endpoints.some(({ addresses }) => addresses.includes(ip))),
    podsByIP: (ip) => pods.filter(({ status }) => status.podIP === ip),
  };
}
