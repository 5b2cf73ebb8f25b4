import type { Node, Service, ServicePort } from "../machinery/api/core-v1.js";
import type { Endpoint, EndpointSlice } from "../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../machinery/api/meta-v1.js";
import { objectKey } from "../machinery/api/resource.js";
import { canonicalIp, familyOf, isIp } from "../machinery/network/addresses.js";
import { HOST_PORTS_ANNOTATION, parseHostPorts } from "../machinery/network/host-ports.js";
import type { Backend, NodeRoute, ServicePortRoute } from "./dataplane/table.js";

/** Pure: what the objects of the API say about routing. */
export type ReadonlyService = DeepReadonly<Service>;
export type ReadonlySlice = DeepReadonly<EndpointSlice>;

export const CARRIER_ANNOTATION = "kubesim.dev/carrier";
const WEIGHT_ANNOTATION = "kubesim.dev/weight";
const PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name";
const ZONE_LABEL = "topology.kubernetes.io/zone";
/** What an ipvsadm takes. */
const GREATEST_WEIGHT = 65_535;
const DEFAULT_AFFINITY_SECONDS = 10_800;

// Upstream: pkg/proxy/util ShouldSkipService.
/** Headless and ExternalName Services have no rules, and some belong to another proxy. */
export function isProxied({ spec, metadata }: ReadonlyService): boolean {
  return (
    spec.type !== "ExternalName" &&
    spec.clusterIP !== undefined &&
    spec.clusterIP !== "" &&
    spec.clusterIP !== "None" &&
    metadata.labels?.[PROXY_NAME_LABEL] === undefined
  );
}

/** `default/web:http`, or `default/web` for an unnamed port. */
export const servicePortName = (service: ReadonlyService, port: DeepReadonly<ServicePort>): string =>
  port.name ? `${objectKey(service)}:${port.name}` : objectKey(service);

/** One route for each port of the Service; none when it is not proxied. */
export function routesOf(service: ReadonlyService, slices: readonly ReadonlySlice[]): ServicePortRoute[] {
  if (!isProxied(service)) return [];
  return (service.spec.ports ?? []).map((port) => routeOf(service, port, slices));
}

function routeOf(
  service: ReadonlyService,
  port: DeepReadonly<ServicePort>,
  slices: readonly ReadonlySlice[],
): ServicePortRoute {
  const { spec, status } = service;
  const ingress = status?.loadBalancer?.ingress ?? [];
  const route: ServicePortRoute = {
    servicePort: servicePortName(service, port),
    serviceResourceVersion: service.metadata.resourceVersion,
    protocol: port.protocol ?? "TCP",
    clusterIPs: addressesIn(spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP]),
    port: port.port,
    externalIPs: addressesIn(spec.externalIPs ?? []),
    // With ipMode Proxy the balancer itself must see the traffic; no node may take a short cut.
    loadBalancerIPs: addressesIn(ingress.filter(({ ipMode }) => ipMode !== "Proxy").map(({ ip }) => ip)),
    internalTrafficPolicy: spec.internalTrafficPolicy === "Local" ? "Local" : "Cluster",
    externalTrafficPolicy: spec.externalTrafficPolicy === "Local" ? "Local" : "Cluster",
    backends: backendsOf(port, slices),
  };
  if (spec.loadBalancerSourceRanges?.length)
    route.loadBalancerSourceRanges = spec.loadBalancerSourceRanges.map((range) => range.trim());
  if (port.nodePort) route.nodePort = port.nodePort;
  if (spec.healthCheckNodePort) route.healthCheckNodePort = spec.healthCheckNodePort;
  if (spec.sessionAffinity === "ClientIP")
    route.sessionAffinitySeconds =
      spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
  return route;
}

const addressesIn = (texts: readonly (string | undefined)[]): string[] =>
  texts.filter((text) => text !== undefined && isIp(text)).map((text) => canonicalIp(text ?? ""));

/** Endpoints of every slice whose port has this name and protocol. One that is in two slices counts once, ready first. */
export function backendsOf(
  port: { name?: string | undefined; protocol?: string | undefined },
  slices: readonly ReadonlySlice[],
): Backend[] {
  const byAddress = new Map<string, Backend>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    for (const slicePort of slice.ports ?? []) {
      const sameName = (slicePort.name ?? "") === (port.name ?? "");
      if (!sameName || (slicePort.protocol ?? "TCP") !== (port.protocol ?? "TCP") || !slicePort.port)
        continue;
      for (const endpoint of slice.endpoints ?? []) {
        const backend = backendOf(endpoint, slicePort.port, slice);
        if (familyOf(backend.ip) !== slice.addressType) continue;
        const key = `${backend.ip} ${backend.port}`;
        const known = byAddress.get(key);
        if (!known || (backend.ready && !known.ready)) byAddress.set(key, backend);
      }
    }
  }
  return [...byAddress.values()];
}

function backendOf(endpoint: DeepReadonly<Endpoint>, port: number, slice: ReadonlySlice): Backend {
  const { conditions = {}, targetRef, hints } = endpoint;
  const ready = conditions.ready ?? true;
  const backend: Backend = {
    ip: canonicalIp(endpoint.addresses[0] ?? ""),
    port,
    ready,
    serving: conditions.serving ?? ready,
    terminating: conditions.terminating ?? false,
    weight: weightOf(slice),
    slice: objectKey(slice),
    sliceResourceVersion: slice.metadata.resourceVersion,
  };
  if (endpoint.nodeName) backend.nodeName = endpoint.nodeName;
  if (targetRef?.kind === "Pod") backend.pod = `${targetRef.namespace ?? ""}/${targetRef.name ?? ""}`;
  if (hints?.forZones?.length) backend.zoneHints = hints.forZones.map(({ name }) => name);
  if (hints?.forNodes?.length) backend.nodeHints = hints.forNodes.map(({ name }) => name);
  return backend;
}

/** Always 1 in a real cluster; ipvs schedulers that know weights can be tried with an annotation of the slice. */
function weightOf({ metadata }: ReadonlySlice): number {
  const text = metadata.annotations?.[WEIGHT_ANNOTATION] ?? "";
  return /^\d{1,5}$/.test(text) ? Math.min(Number(text), GREATEST_WEIGHT) : 1;
}

/** How packets reach a node; without a carrier annotation nobody carries them. */
export function nodeRouteOf({ metadata, spec, status }: DeepReadonly<Node>): NodeRoute {
  const internal = addressesIn(
    (status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address),
  );
  const [internalIP = ""] = internal;
  const route: NodeRoute = {
    nodeName: metadata.name,
    internalIP,
    podCIDRs: spec?.podCIDRs?.length ? [...spec.podCIDRs] : spec?.podCIDR ? [spec.podCIDR] : [],
    carrier: metadata.annotations?.[CARRIER_ANNOTATION] ?? "",
  };
  const secondaryIP = internal.find((ip) => familyOf(ip) !== familyOf(internalIP));
  if (secondaryIP !== undefined) route.secondaryIP = secondaryIP;
  const hostPorts = parseHostPorts(metadata.annotations?.[HOST_PORTS_ANNOTATION]);
  if (hostPorts.length > 0) route.hostPorts = hostPorts;
  const zone = metadata.labels?.[ZONE_LABEL];
  if (zone !== undefined) route.zone = zone;
  return route;
}
