import type { Service, ServicePort } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, formatLabels, NONE, nameColumn, textColumn, wide } from "../printing.js";
import type { TableCell, TableColumn } from "../serve.js";

// Upstream: pkg/printers/internalversion printService.

export const serviceColumns: readonly TableColumn[] = [
  nameColumn,
  textColumn(
    "Type",
    "type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, ClusterIP, NodePort, and LoadBalancer.",
  ),
  textColumn(
    "Cluster-IP",
    "clusterIP is the IP address of the service and is usually assigned randomly. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
  ),
  textColumn(
    "External-IP",
    "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this service.",
  ),
  textColumn(
    "Port(s)",
    "The list of ports that are exposed by this service. More info: https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies",
  ),
  ageColumn,
  wide(
    textColumn(
      "Selector",
      "Route service traffic to pods with label keys and values matching this selector. More info: https://kubernetes.io/docs/concepts/services-networking/service/",
    ),
  ),
];

export const serviceRow = (service: Service, nowMs: number): TableCell[] => [
  service.metadata.name,
  service.spec.type,
  service.spec.clusterIPs?.[0] || NONE,
  externalIpOf(service),
  portsText(service.spec.ports ?? []) || NONE,
  ageOf(service, nowMs),
  formatLabels(service.spec.selector),
];

function externalIpOf({ spec, status }: Service): string {
  const fixed = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return fixed.length > 0 ? fixed.join(",") : NONE;
    case "LoadBalancer": {
      const ingress = (status.loadBalancer?.ingress ?? []).map((point) => point.ip || point.hostname || "");
      const all = [...[...new Set(ingress.filter((address) => address !== ""))].sort(), ...fixed];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
  }
}

const portsText = (ports: readonly ServicePort[]): string =>
  ports
    .map(({ port, nodePort, protocol }) =>
      nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
    )
    .join(",");
