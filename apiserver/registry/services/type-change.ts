import type { Service, ServicePort, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { setClusterIps } from "./defaults.js";
import { sameClusterIps, sameList } from "./families.js";
import { isExternallyAccessible, mayHaveNodePorts, needsClusterIp, needsHealthCheckPort } from "./rules.js";

type Need = (spec: ServiceSpec) => boolean;

/**
 * Clears what a Service no longer needs after a change of type, unless the client set it anew: so `kubectl apply` of a
 * ClusterIP Service over a NodePort one works (upstream dropTypeDependentFields).
 */
export function dropTypeDependentFields({ spec, status }: Service, { spec: old }: Service): void {
  const lost = (need: Need): boolean => need(old) && !need(spec);
  if (lost(needsClusterIp)) {
    if (sameClusterIps(spec, old)) setClusterIps(spec, []);
    if (sameList(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (lost(mayHaveNodePorts) && addsNoNodePorts(spec, old))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (lost(needsHealthCheckPort) && spec.healthCheckNodePort === old.healthCheckNodePort)
    delete spec.healthCheckNodePort;
  if (lost(isBalanced)) {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (lost(isExternallyAccessible) && spec.externalTrafficPolicy === old.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
  if (!isBalanced(spec)) status.loadBalancer = {};
}

const isBalanced: Need = ({ type }) => type === "LoadBalancer";

const nodePortsIn = ({ ports = [] }: ServiceSpec): Set<number> =>
  new Set(ports.flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
const addsNoNodePorts = (spec: ServiceSpec, old: ServiceSpec): boolean =>
  [...nodePortsIn(spec)].every((port) => nodePortsIn(old).has(port));

/** Keeps allocated values that the client left out, so that a PUT of the manifest does not move the Service. */
export function patchAllocatedValues({ spec }: Service, { spec: old }: Service): void {
  if (needsClusterIp(old) && needsClusterIp(spec)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && old.clusterIPs && spec.clusterIP === old.clusterIP)
      spec.clusterIPs = [...old.clusterIPs];
  }
  if (mayHaveNodePorts(old) && mayHaveNodePorts(spec)) keepNodePorts(spec, old);
  if (needsHealthCheckPort(old) && needsHealthCheckPort(spec) && old.healthCheckNodePort)
    spec.healthCheckNodePort ||= old.healthCheckNodePort;
}

/** By the port's name: whatever else of a port changes, its node port stays unless another port asks for it. */
function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const nameOf = ({ name }: ServicePort): string => name ?? "";
  const before = new Map((old.ports ?? []).map((port) => [nameOf(port), port.nodePort]));
  const now = nodePortsIn(spec);
  const used = new Set([...nodePortsIn(old)].filter((port) => now.has(port)));
  for (const port of spec.ports ?? []) {
    const kept = before.get(nameOf(port));
    if (port.nodePort || !kept || used.has(kept)) continue;
    port.nodePort = kept;
    used.add(kept);
  }
}
