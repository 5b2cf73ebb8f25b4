import type { Node } from "../../machinery/api/core-v1.js";
import {
  type Endpoint,
  type EndpointSlice,
  type EndpointSlicePort,
  MANAGED_BY_LABEL,
  SERVICE_NAME_LABEL,
} from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { PerPod } from "../per-pod.js";
import { type CachedPod, isPodReady } from "../pod-state.js";
import {
  belongsInEndpoints,
  type CachedService,
  HEADLESS_LABEL,
  hostnameIn,
  isHeadless,
  targetPortOf,
} from "../service-pods.js";
import { wantsTopologyHints } from "./topology-hints.js";

export const MANAGED_BY = "endpointslice-controller.k8s.io";
export type AddressType = EndpointSlice["addressType"];

/** Endpoints that offer the same ports: they may share slices. */
export interface PortGroup {
  key: string;
  addressType: AddressType;
  ports: EndpointSlicePort[];
  endpoints: Endpoint[];
}

/** What one pod contributes, by address type. */
export interface PodEndpoint {
  key: string;
  addressType: AddressType;
  ports: EndpointSlicePort[];
  endpoint: Endpoint;
}

// Upstream: staging/src/k8s.io/endpointslice/reconciler.go reconcileByAddressType.
/** What the slices of a service should hold together, by the ports that the pods really have. */
export function desiredGroups(
  service: CachedService,
  pods: readonly CachedPod[],
  nodeOf: (name: string) => DeepReadonly<Node> | undefined,
  known = new PerPod<PodEndpoint[]>(),
): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const pod of pods) {
    const node = pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined;
    const own = known.get(pod, service, node, () => podEndpoints(pod, node, service));
    for (const { key, addressType, ports, endpoint } of own) {
      const group = groups.get(key);
      if (group) group.endpoints.push(endpoint);
      else groups.set(key, { key, addressType, ports, endpoints: [endpoint] });
    }
  }
  return [...groups.values()];
}

function podEndpoints(
  pod: CachedPod,
  node: DeepReadonly<Node> | undefined,
  service: CachedService,
): PodEndpoint[] {
  if (!belongsInEndpoints(pod, true)) return [];
  // Its node is unknown yet: neither zone nor reachability can be told.
  if (pod.spec.nodeName && !node && !service.spec.publishNotReadyAddresses) return [];
  const ports = slicePorts(service, pod);
  return addressTypesOf(service).flatMap((addressType) => {
    const endpoint = toEndpoint(pod, node, service, addressType);
    if (endpoint.addresses.length === 0) return [];
    return [{ key: portGroupKey(addressType, ports), addressType, ports, endpoint }];
  });
}

export const addressTypesOf = (service: CachedService): readonly ("IPv4" | "IPv6")[] =>
  service.spec.ipFamilies?.length ? service.spec.ipFamilies : ["IPv4"];

export const portGroupKey = (
  addressType: AddressType,
  ports: readonly DeepReadonly<EndpointSlicePort>[],
): string => {
  const texts = ports.map((port) =>
    [port.name ?? "", port.protocol ?? "", port.port ?? "", port.appProtocol ?? ""].join("\n"),
  );
  return [addressType, ...texts.sort()].join("\n\n");
};

function slicePorts(service: CachedService, pod: CachedPod): EndpointSlicePort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    return [
      {
        name: servicePort.name ?? "",
        port,
        protocol: servicePort.protocol,
        ...(servicePort.appProtocol ? { appProtocol: servicePort.appProtocol } : {}),
      },
    ];
  });
}

// Upstream: staging/src/k8s.io/endpointslice/utils.go podToEndpoint.
function toEndpoint(
  pod: CachedPod,
  node: DeepReadonly<Node> | undefined,
  service: CachedService,
  addressType: "IPv4" | "IPv6",
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = hostnameIn(pod, service);
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"];
  const hints = ready ? hintsOf(service, zone, pod.spec.nodeName) : undefined;
  return {
    addresses: addressesOf(pod, addressType),
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: {
      kind: "Pod",
      namespace: pod.metadata.namespace ?? "",
      name: pod.metadata.name,
      uid: pod.metadata.uid,
    },
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  };
}

/** spec.trafficDistribution, as hints for the proxies (KEP-3015). Topology hints come later: they depend on all pods. */
function hintsOf(
  service: CachedService,
  zone: string | undefined,
  nodeName: string | undefined,
): Endpoint["hints"] {
  const wanted = service.spec.trafficDistribution;
  if (!wanted || wantsTopologyHints(service)) return undefined;
  const hints = {
    ...(wanted === "PreferSameNode" && nodeName ? { forNodes: [{ name: nodeName }] } : {}),
    ...(zone ? { forZones: [{ name: zone }] } : {}),
  };
  return Object.keys(hints).length > 0 ? hints : undefined;
}

function addressesOf(pod: CachedPod, addressType: "IPv4" | "IPv6"): string[] {
  const ips = pod.status.podIPs?.map(({ ip }) => ip) ?? (pod.status.podIP ? [pod.status.podIP] : []);
  return ips.filter((ip) => ip.includes(":") === (addressType === "IPv6"));
}

/** The labels of every slice of the service: its own, and those that say whose the slice is. */
export function sliceLabels(service: CachedService): Record<string, string> {
  const {
    [SERVICE_NAME_LABEL]: _name,
    [MANAGED_BY_LABEL]: _by,
    [HEADLESS_LABEL]: _headless,
    ...own
  } = service.metadata.labels ?? {};
  return {
    ...own,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: "" } : {}),
    [SERVICE_NAME_LABEL]: service.metadata.name,
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
}
