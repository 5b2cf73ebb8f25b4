import type { Node, Service } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

export type CachedService = DeepReadonly<Service>;

export const CLEANUP_FINALIZER = "service.kubernetes.io/load-balancer-cleanup";
const EXCLUDED_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";
const TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler";

/** A class of its own is for that class' controller. */
export const wantsBalancer = ({ spec }: CachedService): boolean =>
  spec.type === "LoadBalancer" && spec.loadBalancerClass === undefined;

export const hasFinalizer = ({ metadata }: CachedService): boolean =>
  metadata.finalizers?.includes(CLEANUP_FINALIZER) === true;

export const needsCleanup = (service: CachedService): boolean =>
  hasFinalizer(service) &&
  (service.metadata.deletionTimestamp !== undefined || service.spec.type !== "LoadBalancer");

/** A change that the balancer has to follow, and what is told of it. */
export interface Change {
  reason: string;
  message: string;
}

// Upstream: cloud-provider/controllers/service/controller.go needsUpdate.
/** Undefined when the balancer may stay as it is; some changes are followed without an event. */
export function changeOf(old: CachedService, service: CachedService): Change | "untold" | undefined {
  const [wanted, wants] = [wantsBalancer(old), wantsBalancer(service)];
  if (!wanted && !wants) return undefined;
  if (wanted !== wants) return { reason: "Type", message: `${old.spec.type} -> ${service.spec.type}` };
  return specChange(old.spec, service.spec) ?? otherChange(old, service);
}

function specChange(old: CachedService["spec"], spec: CachedService["spec"]): Change | "untold" | undefined {
  if (!deepEqual(old.loadBalancerSourceRanges ?? [], spec.loadBalancerSourceRanges ?? [])) {
    const [before, after] = [old, spec].map((each) => goList(each.loadBalancerSourceRanges));
    return { reason: "LoadBalancerSourceRanges", message: `${before} -> ${after}` };
  }
  const untold = [
    [old.ports, spec.ports],
    [old.sessionAffinity, spec.sessionAffinity],
    [old.sessionAffinityConfig, spec.sessionAffinityConfig],
  ];
  if (untold.some(([before, after]) => !deepEqual(before, after))) return "untold";
  if (old.loadBalancerIP !== spec.loadBalancerIP)
    return {
      reason: "LoadbalancerIP",
      message: `${old.loadBalancerIP ?? ""} -> ${spec.loadBalancerIP ?? ""}`,
    };
  return externalIpChange(old.externalIPs ?? [], spec.externalIPs ?? []);
}

function externalIpChange(old: readonly string[], now: readonly string[]): Change | undefined {
  if (old.length !== now.length)
    return { reason: "ExternalIP", message: `Count: ${old.length} -> ${now.length}` };
  const added = now.find((ip, i) => ip !== old[i]);
  return added === undefined ? undefined : { reason: "ExternalIP", message: `Added: ${added}` };
}

type Told = string | number | undefined;

function otherChange(old: CachedService, service: CachedService): Change | "untold" | undefined {
  const arrow = (reason: string, before: Told, after: Told): Change | undefined =>
    before === after ? undefined : { reason, message: `${before ?? ""} -> ${after ?? ""}` };
  if (!deepEqual(old.metadata.annotations ?? {}, service.metadata.annotations ?? {})) return "untold";
  const [before, after] = [old.spec, service.spec];
  return (
    arrow("UID", old.metadata.uid, service.metadata.uid) ??
    arrow("ExternalTrafficPolicy", before.externalTrafficPolicy, after.externalTrafficPolicy) ??
    arrow("HealthCheckNodePort", before.healthCheckNodePort ?? 0, after.healthCheckNodePort ?? 0) ??
    familiesChange(before.ipFamilies ?? [], after.ipFamilies ?? [])
  );
}

const familiesChange = (old: readonly string[], now: readonly string[]): Change | undefined =>
  old.length === now.length
    ? undefined
    : { reason: "IPFamilies", message: `Count: ${old.length} -> ${now.length}` };

/** `[10.0.0.0/8 192.168.0.0/16]`, as Go prints a list. */
const goList = (items: readonly string[] | undefined): string => `[${(items ?? []).join(" ")}]`;

/** Whether balancers may send traffic to a node. Readiness is the health checks' business (KEP-3458). */
export const isBalancedTo = ({ metadata, spec }: DeepReadonly<Node>): boolean =>
  metadata.labels?.[EXCLUDED_LABEL] === undefined &&
  !spec.taints?.some(({ key }) => key === TO_BE_DELETED_TAINT);
