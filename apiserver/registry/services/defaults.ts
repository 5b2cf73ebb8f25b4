import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { isExternallyAccessible } from "./rules.js";

const AFFINITY_SECONDS = 10800;

/** Upstream: SetDefaults_Service. */
export function defaultService(service: Service): void {
  service.spec ??= { type: "ClusterIP", sessionAffinity: "None" };
  service.status ??= { loadBalancer: {} };
  service.status.loadBalancer ??= {};
  const { spec } = service;
  spec.type ||= "ClusterIP";
  defaultAffinity(spec);
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ||= "Cluster";
  if (spec.type !== "LoadBalancer") return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const point of service.status.loadBalancer.ingress ?? []) if (point.ip) point.ipMode ??= "VIP";
}

function defaultAffinity(spec: ServiceSpec): void {
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity !== "ClientIP") return;
  spec.sessionAffinityConfig ??= {};
  spec.sessionAffinityConfig.clientIP ??= {};
  spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= AFFINITY_SECONDS;
}

/** `clusterIP` is `clusterIPs[0]`: whichever the client gave fills the other (upstream NormalizeClusterIPs). */
export function normalizeClusterIps(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  const given = spec.clusterIP ?? "";
  const listed = spec.clusterIPs ?? [];
  if (old && given !== (old.clusterIP ?? "") && sameList(listed, old.clusterIPs ?? []))
    setClusterIps(spec, given === "" ? [] : [given]);
  else if (given !== "" && listed.length === 0) spec.clusterIPs = [given];
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

export function setClusterIps(spec: ServiceSpec, ips: readonly string[]): void {
  const [first] = ips;
  if (first === undefined) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  } else {
    spec.clusterIP = first;
    spec.clusterIPs = [...ips];
  }
}
