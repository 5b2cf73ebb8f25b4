import type { Ingress, IngressRule } from "../../../machinery/api/networking-v1.js";
import { ageColumn, ageOf, NONE, nameColumn, textColumn } from "../printing.js";
import type { TableCell, TableColumn } from "../serve.js";

// Upstream: pkg/printers/internalversion printIngress.

export const ingressColumns: readonly TableColumn[] = [
  nameColumn,
  textColumn(
    "Class",
    "The name of the IngressClass resource that should be used for additional configuration",
  ),
  textColumn("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
  textColumn("Address", "Address is a list containing ingress points for the load-balancer"),
  textColumn("Ports", "Ports of TLS configurations that open"),
  ageColumn,
];

export const ingressRow = (ingress: Ingress, nowMs: number): TableCell[] => [
  ingress.metadata.name,
  ingress.spec.ingressClassName ?? NONE,
  formatHosts(ingress.spec.rules ?? []),
  formatAddresses(ingress),
  ingress.spec.tls?.length ? "80, 443" : "80",
  ageOf(ingress, nowMs),
];

const SHOWN_HOSTS = 3;

function formatHosts(rules: readonly IngressRule[]): string {
  const hosts = rules.flatMap(({ host }) => (host ? [host] : []));
  if (hosts.length === 0) return "*";
  const text = hosts.slice(0, SHOWN_HOSTS).join(",");
  return hosts.length > SHOWN_HOSTS ? `${text} + ${rules.length - SHOWN_HOSTS} more...` : text;
}

function formatAddresses({ status }: Ingress): string {
  const points = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
  return [...new Set(points.filter((point) => point !== ""))].sort().join(",");
}
