import type { Service, ServicePort, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { semanticEqual } from "../semantic-equal.js";
import { setClusterIps } from "./defaults.js";
import {
  HEADLESS,
  isExternallyAccessible,
  isHeadless,
  mayHaveNodePorts,
  needsClusterIp,
  needsHealthCheckPort,
  wantsNodePorts,
} from "./rules.js";

type Need = (spec: ServiceSpec) => boolean;

/**
 * Clears what a Service no longer needs after a change of type, unless the client set it anew: so `kubectl apply` of a
 * ClusterIP Service over a NodePort one works (upstream dropTypeDependentFields).
 */
export function dropTypeDependentFields({ spec }: Service, { spec: old }: Service): void {
  const lost = (need: Need, ...keys: (keyof ServiceSpec)[]): boolean =>
    need(old) && !need(spec) && keys.every((key) => semanticEqual(spec[key], old[key]));
  if (lost(needsClusterIp, "clusterIP", "clusterIPs")) setClusterIps(spec, []);
  if (lost(needsClusterIp, "ipFamilies")) delete spec.ipFamilies;
  if (lost(needsClusterIp, "ipFamilyPolicy")) delete spec.ipFamilyPolicy;
  if (lost(needsClusterIp, "internalTrafficPolicy")) delete spec.internalTrafficPolicy;
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(spec) && sameNodePorts(spec, old))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (lost(needsHealthCheckPort, "healthCheckNodePort")) delete spec.healthCheckNodePort;
  const balanced: Need = (candidate) => candidate.type === "LoadBalancer";
  if (lost(balanced, "allocateLoadBalancerNodePorts")) delete spec.allocateLoadBalancerNodePorts;
  if (lost(balanced, "loadBalancerClass")) delete spec.loadBalancerClass;
  if (lost(isExternallyAccessible, "externalTrafficPolicy")) delete spec.externalTrafficPolicy;
  if (lost((candidate) => candidate.type === "ExternalName", "externalName")) delete spec.externalName;
}

const sameNodePorts = (spec: ServiceSpec, old: ServiceSpec): boolean => {
  const list = (ports: readonly ServicePort[] | undefined): number[] =>
    (ports ?? []).map((port) => port.nodePort ?? 0).filter((port) => port > 0);
  const before = new Set(list(old.ports));
  return list(spec.ports).every((port) => before.has(port));
};

/** Keeps allocated values that the client left out, so that a PUT of the manifest does not move the Service. */
export function patchAllocatedValues({ spec }: Service, { spec: old }: Service): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (!spec.clusterIP && !spec.clusterIPs?.length) setClusterIps(spec, old.clusterIPs ?? []);
    if (spec.clusterIP !== HEADLESS || isHeadless(old)) {
      if (old.ipFamilies) spec.ipFamilies ??= old.ipFamilies;
      if (old.ipFamilyPolicy) spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
    }
  }
  if (mayHaveNodePorts(old) && wantsNodePorts(spec)) keepNodePorts(spec, old);
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && old.healthCheckNodePort)
    spec.healthCheckNodePort ||= old.healthCheckNodePort;
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const key = ({ protocol, port }: ServicePort): string => `${protocol}/${port}`;
  const before = new Map((old.ports ?? []).map((port) => [key(port), port.nodePort]));
  const used = new Set((spec.ports ?? []).map((port) => `${port.protocol}/${port.nodePort ?? 0}`));
  for (const port of spec.ports ?? []) {
    const kept = before.get(key(port));
    if (port.nodePort || !kept || used.has(`${port.protocol}/${kept}`)) continue;
    port.nodePort = kept;
    used.add(`${port.protocol}/${kept}`);
  }
}
