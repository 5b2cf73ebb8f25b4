import type { Node, Service, ServicePort } from "../../machinery/api/core-v1.js";
import { type EndpointSlice, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";

/** One address by which somebody might reach a Service. */
export interface WayIn {
  service: string;
  type: Service["spec"]["type"];
  way: "cluster IP" | "node port" | "load balancer" | "pod IP" | "CNAME";
  /** Absent while there is none: a load balancer that is pending, a Service without pods. */
  address?: { ip: string; port: number };
  /** Of an ExternalName: the name to ask for. */
  name?: string;
  nodePort?: number;
  servicePort: string;
}

/** Every way into a Service, one for each TCP port and kind of address; of pods only one that is ready. */
export function waysInto(
  service: Service,
  slices: readonly EndpointSlice[],
  node: Node | undefined,
): WayIn[] {
  const { namespace, name } = service.metadata;
  const { spec, status } = service;
  const base = { service: `${namespace}/${name}`, type: spec.type, servicePort: `${namespace}/${name}` };
  if (spec.type === "ExternalName")
    return [{ ...base, way: "CNAME", name: `${name}.${namespace}.svc.cluster.local` }];
  const own = slices.filter(
    ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === name,
  );
  const nodeIP = node?.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  return (spec.ports ?? [])
    .filter(({ protocol }) => protocol === "TCP")
    .flatMap((port) => {
      const at = { ...base, servicePort: `${base.servicePort}${port.name ? `:${port.name}` : ""}` };
      const ways: WayIn[] = [];
      if (spec.clusterIP && spec.clusterIP !== "None")
        ways.push({ ...at, way: "cluster IP", address: { ip: spec.clusterIP, port: port.port } });
      if (port.nodePort !== undefined && nodeIP !== undefined)
        ways.push({
          ...at,
          way: "node port",
          address: { ip: nodeIP, port: port.nodePort },
          nodePort: port.nodePort,
        });
      if (spec.type === "LoadBalancer") {
        const ip = status.loadBalancer?.ingress?.[0]?.ip;
        ways.push({ ...at, way: "load balancer", ...(ip ? { address: { ip, port: port.port } } : {}) });
      }
      const pod = podAddress(own, port);
      ways.push({ ...at, way: "pod IP", ...(pod ? { address: pod } : {}) });
      return ways;
    });
}

function podAddress(
  slices: readonly EndpointSlice[],
  port: ServicePort,
): { ip: string; port: number } | undefined {
  for (const { endpoints, ports = [], addressType } of slices) {
    const found = ports.find(({ name = "" }) => name === (port.name ?? ""))?.port;
    if (found === undefined || addressType === "FQDN") continue;
    const ip = endpoints.find(({ conditions }) => conditions?.ready !== false)?.addresses[0];
    if (ip !== undefined) return { ip, port: found };
  }
  return undefined;
}
