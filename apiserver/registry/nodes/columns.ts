import type { Node } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, NONE, nameColumn, textColumn, UNKNOWN, wide } from "../printing.js";
import type { TableCell, TableColumn } from "../serve.js";

// Upstream: pkg/printers/internalversion printNode.

export const nodeColumns: readonly TableColumn[] = [
  nameColumn,
  textColumn("Status", "The status of the node"),
  textColumn("Roles", "The roles of the node"),
  ageColumn,
  textColumn("Version", "Kubelet Version reported by the node."),
  wide(textColumn("Internal-IP", "Address of the node inside the cluster.")),
  wide(textColumn("External-IP", "Address of the node outside the cluster.")),
  wide(
    textColumn(
      "OS-Image",
      "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).",
    ),
  ),
  wide(
    textColumn(
      "Kernel-Version",
      "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).",
    ),
  ),
  wide(
    textColumn(
      "Container-Runtime",
      "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).",
    ),
  ),
];

export function nodeRow(node: Node, nowMs: number): TableCell[] {
  const { nodeInfo } = node.status;
  return [
    node.metadata.name,
    statusOf(node),
    rolesOf(node),
    ageOf(node, nowMs),
    nodeInfo?.["kubeletVersion"] ?? "",
    addressOf(node, "InternalIP"),
    addressOf(node, "ExternalIP"),
    nodeInfo?.["osImage"] || UNKNOWN,
    nodeInfo?.["kernelVersion"] || UNKNOWN,
    nodeInfo?.["containerRuntimeVersion"] || UNKNOWN,
  ];
}

function statusOf(node: Node): string {
  const ready = node.status.conditions?.find((condition) => condition.type === "Ready");
  const status = ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown";
  return node.spec.unschedulable ? `${status},SchedulingDisabled` : status;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function rolesOf(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length)
      roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? NONE : [...roles].sort().join(",");
}

const addressOf = (node: Node, type: string): string =>
  node.status.addresses?.find((address) => address.type === type)?.address ?? NONE;
