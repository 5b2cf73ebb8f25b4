import type { Node, Pod, Protocol, Service, ServicePort } from "../../machinery/api/core-v1.js";
import { type EndpointSlice, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import { familyOf } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";

/** One address by which somebody might reach a Service. */
export interface WayIn {
  service: string;
  type: Service["spec"]["type"];
  protocol: Protocol;
  way: "cluster IP" | "external IP" | "node port" | "host port" | "load balancer" | "pod IP" | "CNAME";
  /** Absent while there is none: a load balancer that is pending, a Service without pods. */
  address?: { ip: string; port: number };
  /** Of an ExternalName: the name to ask for. */
  name?: string;
  nodePort?: number;
  servicePort: string;
}

/** Every way into a Service, one for each port and address; of pods only one of each family that is ready. */
export function waysInto(
  service: Service,
  slices: readonly EndpointSlice[],
  node: Node | undefined,
): WayIn[] {
  const { namespace, name } = service.metadata;
  const { spec } = service;
  const base = { service: `${namespace}/${name}`, type: spec.type, servicePort: `${namespace}/${name}` };
  if (spec.type === "ExternalName")
    return [{ ...base, protocol: "UDP", way: "CNAME", name: `${name}.${namespace}.svc.cluster.local` }];
  const own = slices.filter(
    ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === name,
  );
  return (spec.ports ?? [])
    .filter(({ protocol }) => protocol !== "SCTP")
    .flatMap((port) => {
      const servicePort = `${base.servicePort}${port.name ? `:${port.name}` : ""}`;
      const at = { ...base, protocol: port.protocol, servicePort };
      return addressesOf(service, port, own, node).map((found) => ({ ...at, ...found }));
    });
}

type Found = Pick<WayIn, "way" | "address" | "nodePort">;

function addressesOf(
  { spec, status }: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  node: Node | undefined,
): Found[] {
  const clusterIPs = (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter((ip) => ip !== "" && ip !== "None");
  const nodeIPs = (node?.status.addresses ?? []).filter(({ type }) => type === "InternalIP");
  const ingress = (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  const { nodePort } = port;
  const isFamily = ({ address }: { address: string }): boolean =>
    clusterIPs.some((ip) => familyOf(ip) === familyOf(address));
  const pods = slices.flatMap((slice) => podAddress(slice, port) ?? []);
  const at = (way: WayIn["way"], ips: readonly string[]): Found[] =>
    ips.map((ip) => ({ way, address: { ip, port: port.port } }));
  return [
    ...at("cluster IP", clusterIPs),
    ...at("external IP", spec.externalIPs ?? []),
    ...(nodePort === undefined ? [] : nodeIPs.filter(isFamily)).map(({ address: ip }) => ({
      way: "node port" as const,
      address: { ip, port: nodePort ?? 0 },
      nodePort: nodePort ?? 0,
    })),
    ...(spec.type === "LoadBalancer" && ingress.length === 0 ? [{ way: "load balancer" as const }] : []),
    ...at("load balancer", ingress),
    ...(pods.length === 0 ? [{ way: "pod IP" as const }] : firstOfEachFamily(pods)),
  ];
}

function firstOfEachFamily(pods: readonly SocketAddress[]): Found[] {
  const byFamily = new Map([...pods].reverse().map((address) => [familyOf(address.ip), address]));
  return [...byFamily.values()].map((address) => ({ way: "pod IP", address }));
}

function podAddress(
  { endpoints, ports = [], addressType }: EndpointSlice,
  port: ServicePort,
): SocketAddress | undefined {
  const found = ports.find(({ name = "" }) => name === (port.name ?? ""))?.port;
  if (found === undefined || addressType === "FQDN") return undefined;
  const ip = endpoints.find(({ conditions }) => conditions?.ready !== false)?.addresses[0];
  return ip === undefined ? undefined : { ip, port: found };
}

/** The ports of nodes that lead to these pods of a Service, past the Service. */
export function hostPortsInto(
  service: Service,
  slices: readonly EndpointSlice[],
  pods: readonly Pod[],
): WayIn[] {
  const { namespace, name } = service.metadata;
  const behind = new Set(
    slices
      .filter(({ metadata }) => metadata.labels?.[SERVICE_NAME_LABEL] === name)
      .flatMap(({ endpoints }) => endpoints.map(({ targetRef }) => targetRef?.name)),
  );
  return pods
    .filter(({ metadata, spec }) => behind.has(metadata.name) && !spec.hostNetwork)
    .flatMap(({ metadata, spec, status }) =>
      spec.containers.flatMap(({ ports = [] }) =>
        ports.flatMap(({ hostPort, protocol }): WayIn[] => {
          if (!hostPort || !status.hostIP || protocol === "SCTP") return [];
          return [
            {
              service: `${namespace}/${name}`,
              type: service.spec.type,
              protocol,
              way: "host port",
              address: { ip: status.hostIP, port: hostPort },
              nodePort: hostPort,
              // As the data plane names it.
              servicePort: `pod ${metadata.namespace}/${metadata.name}`,
            },
          ];
        }),
      ),
    );
}
