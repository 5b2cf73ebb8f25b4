import type { Service, ServicePort } from "../../machinery/api/core-v1.js";
import { type EndpointSlice, endpointSlices, SERVICE_NAME_LABEL } from "../../machinery/api/discovery-v1.js";
import { annotationLines, type Describer, mapLines, selectorText } from "./describer.js";

const MOST_ENDPOINTS_SHOWN = 3;

export const serviceDescriber: Describer<Service> = {
  async describe(service, { client }) {
    const { metadata, spec, status } = service;
    const slices = await client.list(endpointSlices, {
      namespace: metadata.namespace,
      labelSelector: `${SERVICE_NAME_LABEL}=${metadata.name}`,
    });
    const ports = (spec.ports ?? []).flatMap((port) => portLines(port, slices.items));
    const ingress = status.loadBalancer.ingress?.map(({ ip, hostname }) => ip ?? hostname ?? "").join(", ");
    return [
      `Name:\t${metadata.name}`,
      `Namespace:\t${metadata.namespace ?? ""}`,
      ...mapLines("Labels", metadata.labels),
      ...annotationLines(service),
      `Selector:\t${selectorText(spec.selector)}`,
      `Type:\t${spec.type}`,
      ...(spec.ipFamilyPolicy ? [`IP Family Policy:\t${spec.ipFamilyPolicy}`] : []),
      ...(spec.ipFamilies ? [`IP Families:\t${spec.ipFamilies.join(",")}`] : []),
      `IP:\t${spec.clusterIP ?? ""}`,
      ...(spec.clusterIPs ? [`IPs:\t${spec.clusterIPs.join(",")}`] : []),
      ...(spec.externalIPs?.length ? [`External IPs:\t${spec.externalIPs.join(",")}`] : []),
      ...(spec.externalName ? [`External Name:\t${spec.externalName}`] : []),
      ...(ingress ? [`LoadBalancer Ingress:\t${ingress}`] : []),
      ...ports,
      `Session Affinity:\t${spec.sessionAffinity}`,
      ...(spec.externalTrafficPolicy ? [`External Traffic Policy:\t${spec.externalTrafficPolicy}`] : []),
      ...(spec.internalTrafficPolicy ? [`Internal Traffic Policy:\t${spec.internalTrafficPolicy}`] : []),
    ];
  },
};

function portLines(port: ServicePort, slices: readonly EndpointSlice[]): string[] {
  const name = port.name ?? "<unset>";
  return [
    `Port:\t${name}\t${port.port}/${port.protocol}`,
    `TargetPort:\t${port.targetPort}/${port.protocol}`,
    ...(port.nodePort ? [`NodePort:\t${name}\t${port.nodePort}/${port.protocol}`] : []),
    `Endpoints:\t${endpointsText(port, slices)}`,
  ];
}

function endpointsText(port: ServicePort, slices: readonly EndpointSlice[]): string {
  const addresses = slices.flatMap((slice) => {
    const target = slice.ports?.find((candidate) => (candidate.name ?? "") === (port.name ?? ""))?.port;
    if (target === undefined) return [];
    return slice.endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap((endpoint) =>
        endpoint.addresses.map((ip) => (ip.includes(":") ? `[${ip}]:${target}` : `${ip}:${target}`)),
      );
  });
  const more = addresses.length - MOST_ENDPOINTS_SHOWN;
  const shown = addresses.slice(0, MOST_ENDPOINTS_SHOWN).join(",");
  return more > 0 ? `${shown} + ${more} more...` : shown;
}
