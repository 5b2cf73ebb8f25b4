import type { EndpointAddress, Endpoints, EndpointSubset, Service } from "../../machinery/api/core-v1.js";
import { type Endpoint, MANAGED_BY_LABEL, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type PortGroup, portGroupKey } from "../endpointslice/desired.js";

export const MIRRORING_MANAGED_BY = "endpointslicemirroring-controller.k8s.io";
const SKIP_MIRROR_LABEL = "endpointslice.kubernetes.io/skip-mirror";
const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";
/** --mirroring-max-endpoints-per-subset. */
const MAX_PER_SUBSET = 1000;

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

/** The slices' contents that say what the subsets say, by address family and ports. */
export function mirroredGroups(object: DeepReadonly<Endpoints>): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const subset of object.subsets ?? []) addSubset(groups, subset);
  return [...groups.values()];
}

function addSubset(groups: Map<string, PortGroup>, subset: DeepReadonly<EndpointSubset>): void {
  const ports = (subset.ports ?? []).map(({ name, port, protocol, appProtocol }) => ({
    name: name ?? "",
    port,
    protocol: protocol ?? ("TCP" as const),
    ...(appProtocol ? { appProtocol } : {}),
  }));
  const endpoints = [
    ...(subset.addresses ?? []).map((address) => toEndpoint(address, true)),
    ...(subset.notReadyAddresses ?? []).map((address) => toEndpoint(address, false)),
  ];
  for (const endpoint of endpoints.slice(0, MAX_PER_SUBSET)) {
    const addressType = endpoint.addresses[0]?.includes(":") ? "IPv6" : "IPv4";
    const key = portGroupKey(addressType, ports);
    const group = groups.get(key);
    if (group) group.endpoints.push(endpoint);
    else groups.set(key, { key, addressType, ports, endpoints: [endpoint] });
  }
}

const toEndpoint = (address: DeepReadonly<EndpointAddress>, ready: boolean): Endpoint => ({
  addresses: [address.ip],
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
