import { type Node, pods } from "../../machinery/api/core-v1.js";
import { annotationLines, type Describer, mapLines, timeText } from "./describer.js";

export const nodeDescriber: Describer<Node> = {
  async describe(node, { client }) {
    const { metadata, spec, status } = node;
    const { items } = await client.list(pods, { fieldSelector: `spec.nodeName=${metadata.name}` });
    const taints = (spec.taints ?? []).map((t) => `${t.key}${t.value ? `=${t.value}` : ""}:${t.effect}`);
    return [
      `Name:\t${metadata.name}`,
      "Roles:\t<none>",
      ...mapLines("Labels", metadata.labels),
      ...annotationLines(node),
      `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`,
      ...(taints.length === 0
        ? ["Taints:\t<none>"]
        : taints.map((taint, i) => (i === 0 ? `Taints:\t${taint}` : `\t${taint}`))),
      `Unschedulable:\t${spec.unschedulable ?? false}`,
      "Conditions:",
      "  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage",
      "  ----\t------\t-----------------\t------------------\t------\t-------",
      ...(status.conditions ?? []).map(
        (c) =>
          `  ${c.type} \t${c.status} \t${timeText(c.lastHeartbeatTime)} \t${timeText(c.lastTransitionTime)} \t${c.reason} \t${c.message}`,
      ),
      "Addresses:",
      ...(status.addresses ?? []).map(({ type, address }) => `  ${type}:\t${address}`),
      "Capacity:",
      ...quantityLines(status.capacity),
      "Allocatable:",
      ...quantityLines(status.allocatable),
      `PodCIDR:\t${spec.podCIDR ?? ""}`,
      `PodCIDRs:\t${spec.podCIDRs?.join(",") ?? ""}`,
      `Non-terminated Pods:\t(${items.length} in total)`,
      "  Namespace\tName",
      "  ---------\t----",
      ...items.map((pod) => `  ${pod.metadata.namespace ?? ""}\t${pod.metadata.name}`),
    ];
  },
};

const quantityLines = (quantities: Readonly<Record<string, string>> | undefined): string[] =>
  Object.entries(quantities ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, quantity]) => `  ${name}:\t${quantity}`);
