import type { EndpointAddress, Endpoints, EndpointSubset, Service } from "../../machinery/api/core-v1.js";
import { deepEqual } from "../../machinery/api/deep-equal.js";
import { type Endpoint, MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { canonicalIp, familyOf, isIp } from "../../machinery/network/addresses.js";
import { type PortGroup, portGroupKey } from "../endpointslice/desired.js";
import { type CachedSlice, contentOf, reuseRemoved, type SlicePlan } from "../endpointslice/plan.js";
import { TRIGGER_TIME_ANNOTATION } from "../service-pods.js";

export const MIRRORING_MANAGED_BY = "endpointslicemirroring-controller.k8s.io";
const SKIP_MIRROR_LABEL = "endpointslice.kubernetes.io/skip-mirror";
const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";
const LAST_APPLIED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
/** --mirroring-max-endpoints-per-subset. */
export const MAX_PER_SUBSET = 1000;

/** Endpoints made by hand for a service without selector; not what another controller or an election wrote. */
export const shouldMirror = (
  object: DeepReadonly<Endpoints> | undefined,
  service: DeepReadonly<Service> | undefined,
): boolean =>
  object !== undefined &&
  service !== undefined &&
  service.spec.selector === undefined &&
  object.metadata.labels?.[SKIP_MIRROR_LABEL] !== "true" &&
  object.metadata.annotations?.[LEADER_ANNOTATION] === undefined;

export interface Mirrored {
  groups: PortGroup[];
  /** Addresses that are no IP addresses. */
  invalidCount: number;
  /** Addresses left out, invalid ones included. */
  skippedCount: number;
}

// Upstream: pkg/controller/endpointslicemirroring/reconciler.go reconcile.
/** The slices' contents that say what the subsets say, by address family and ports. */
export function mirrored(object: DeepReadonly<Endpoints>): Mirrored {
  const groups = new Map<string, PortGroup>();
  let [invalidCount, skippedCount] = [0, 0];
  for (const subset of object.subsets ?? []) {
    const addresses = addressesOf(subset);
    const valid = addresses.filter(({ address }) => isIp(address.ip));
    const taken = valid.slice(0, MAX_PER_SUBSET);
    invalidCount += addresses.length - valid.length;
    skippedCount += addresses.length - taken.length;
    for (const { address, ready } of taken) addEndpoint(groups, portsOf(subset), toEndpoint(address, ready));
  }
  return { groups: [...groups.values()], invalidCount, skippedCount };
}

// Upstream: reconcileByPortMapping and recycleSlices of the same file.
/** One slice for all addresses of a family and set of ports, however many; the first that is there is kept. */
export function planMirror(
  groups: readonly PortGroup[],
  existing: readonly CachedSlice[],
  isCurrent: (slice: CachedSlice) => boolean,
): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const left = new Set(existing);
  for (const group of groups) {
    const content = contentOf(group, group.endpoints.slice(0, MAX_PER_SUBSET));
    const slice = existing.find((each) => portGroupKey(each.addressType, each.ports ?? []) === group.key);
    if (!slice) {
      plan.create.push(content);
      continue;
    }
    left.delete(slice);
    if (!isCurrent(slice) || !deepEqual(slice.endpoints ?? [], content.endpoints))
      plan.update.push({ slice, content });
  }
  plan.remove.push(...left);
  return reuseRemoved(plan);
}

/** Ready ones first: they are what is kept when there are too many. */
const addressesOf = (
  subset: DeepReadonly<EndpointSubset>,
): { address: DeepReadonly<EndpointAddress>; ready: boolean }[] => [
  ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
  ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
];

const portsOf = (subset: DeepReadonly<EndpointSubset>): PortGroup["ports"] =>
  (subset.ports ?? []).map(({ name, port, protocol, appProtocol }) => ({
    name: name ?? "",
    port,
    protocol: protocol ?? ("TCP" as const),
    ...(appProtocol ? { appProtocol } : {}),
  }));

function addEndpoint(groups: Map<string, PortGroup>, ports: PortGroup["ports"], endpoint: Endpoint): void {
  const addressType = familyOf(endpoint.addresses[0] ?? "");
  const key = portGroupKey(addressType, ports);
  const group = groups.get(key);
  if (group) group.endpoints.push(endpoint);
  else groups.set(key, { key, addressType, ports, endpoints: [endpoint] });
}

const toEndpoint = (address: DeepReadonly<EndpointAddress>, ready: boolean): Endpoint => ({
  addresses: [canonicalIp(address.ip)],
  conditions: { ready },
  ...(address.hostname ? { hostname: address.hostname } : {}),
  ...(address.nodeName ? { nodeName: address.nodeName } : {}),
  ...(address.targetRef ? { targetRef: address.targetRef } : {}),
});

export const mirroredLabels = (object: DeepReadonly<Endpoints>): Record<string, string> => ({
  ...object.metadata.labels,
  [SERVICE_NAME_LABEL]: object.metadata.name,
  [MANAGED_BY_LABEL]: MIRRORING_MANAGED_BY,
});

export function mirroredAnnotations(object: DeepReadonly<Endpoints>): Record<string, string> {
  const {
    [TRIGGER_TIME_ANNOTATION]: _time,
    [LAST_APPLIED_ANNOTATION]: _applied,
    ...annotations
  } = object.metadata.annotations ?? {};
  return annotations;
}
