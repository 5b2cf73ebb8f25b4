import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";

// What a Service needs, by its type (pkg/registry/core/service and pkg/api/service).

export const HEADLESS = "None";
export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.clusterIPs?.[0] === HEADLESS || spec.clusterIP === HEADLESS;
export const needsClusterIp = (spec: ServiceSpec): boolean => spec.type !== "ExternalName";
export const mayHaveNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === "NodePort" || spec.type === "LoadBalancer";
export const wantsNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
export const needsHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
export const isExternallyAccessible = (spec: ServiceSpec): boolean =>
  mayHaveNodePorts(spec) || (spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0);

/** Cluster IPs that take a place in the range. */
export const clusterIpsOf = ({ spec }: Service): string[] =>
  needsClusterIp(spec) ? (spec.clusterIPs ?? []).filter((ip) => ip !== HEADLESS && ip !== "") : [];

/** Node ports that take a place in the range, the health check's included. */
export function nodePortsOf({ spec }: Service): number[] {
  if (!mayHaveNodePorts(spec)) return [];
  const ports = (spec.ports ?? []).map((port) => port.nodePort ?? 0);
  return [...new Set([...ports, spec.healthCheckNodePort ?? 0])].filter((port) => port > 0);
}
