import type { Service, ServiceSpec } from "../../../machinery/api/core-v1.js";
import { field } from "../../../machinery/api/field-error.js";
import { cidrWarnings, ipWarnings } from "../validation/ip.js";
import { isHeadless, needsClusterIp } from "./rules.js";

const at = field("spec");
const TOPOLOGY_HINTS = "service.kubernetes.io/topology-aware-hints";

/** What works, or is ignored, but should not be said. Upstream: GetWarningsForService. */
export function serviceWarnings({ spec, metadata }: Service): string[] {
  const warnings: string[] = [];
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined)
    warnings.push(
      `annotation ${TOPOLOGY_HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    );
  const headless = spec.type === "ClusterIP" && isHeadless(spec);
  if (needsClusterIp(spec) && !isHeadless(spec))
    spec.clusterIPs?.forEach((ip, i) => warnings.push(...ipWarnings(ip, at.child("clusterIPs").index(i))));
  if (headless) warnings.push(...headlessWarnings(spec));
  warnings.push(...externalIpWarnings(spec, headless));
  if (spec.loadBalancerIP) warnings.push(...ipWarnings(spec.loadBalancerIP, at.child("loadBalancerIP")));
  spec.loadBalancerSourceRanges?.forEach((range, i) =>
    warnings.push(...cidrWarnings(range, at.child("loadBalancerSourceRanges").index(i))),
  );
  if (spec.type === "ExternalName" && spec.externalIPs?.length)
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.type !== "ExternalName" && spec.externalName)
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec.trafficDistribution === "PreferClose")
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

function headlessWarnings(spec: ServiceSpec): string[] {
  const warnings: string[] = [];
  if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
  if (spec.externalIPs?.length) warnings.push("spec.externalIPs is ignored for headless services");
  if (spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  return warnings;
}

function externalIpWarnings({ externalIPs = [], type }: ServiceSpec, headless: boolean): string[] {
  const warnings = externalIPs.flatMap((ip, i) => ipWarnings(ip, at.child("externalIPs").index(i)));
  if (externalIPs.length > 0 && !headless && type !== "ExternalName")
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  return warnings;
}
