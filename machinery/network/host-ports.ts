import type { Protocol } from "../api/core-v1.js";

/**
 * How the data plane learns of `hostPort`s. The CNI plugin portmap writes them into its node's kernel when a sandbox gets
 * its address and takes them out when the sandbox goes; here the kubelet writes the whole list of its node into this
 * annotation of the Node, the way in which carriers are published too. Absent or empty: the node has none.
 *
 * What the data plane owes each mapping: a packet of `protocol` to one of the node's addresses (to `hostIP` alone, when it is
 * not empty) and `hostPort` goes to the address of `podIPs` that has the packet's family, port `podPort`, whatever the pod's
 * readiness; a family that the pod does not have is not mapped. Node ports of Services come first. The client's address is
 * kept, but masqueraded when the pod calls itself and when a process of the node calls loopback. A host socket stands for
 * the node's address, as for node ports.
 */
export const HOST_PORTS_ANNOTATION = "kubesim.dev/host-ports";

export interface HostPortMapping {
  /** `default/web-0`, for flows and traces. */
  pod: string;
  protocol: Protocol;
  /** Empty: every address of the node. */
  hostIP: string;
  hostPort: number;
  /** One for each family of the pod, the primary one first. */
  podIPs: readonly string[];
  podPort: number;
}

/** Sorted, so that the same mappings are always the same text. */
export const formatHostPorts = (mappings: readonly HostPortMapping[]): string =>
  JSON.stringify([...mappings].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)));

/** The value of the annotation; what is not a mapping is left out, because anybody may write annotations. */
export function parseHostPorts(text: string | undefined): HostPortMapping[] {
  if (!text) return [];
  try {
    const values: unknown = JSON.parse(text);
    return Array.isArray(values) ? values.filter(isMapping) : [];
  } catch {
    return [];
  }
}

const keyOf = ({ hostPort, protocol, hostIP, pod }: HostPortMapping): string =>
  [String(hostPort).padStart(5, "0"), protocol, hostIP, pod].join(" ");

function isMapping(value: unknown): value is HostPortMapping {
  if (typeof value !== "object" || value === null) return false;
  const { pod, protocol, hostIP, hostPort, podIPs, podPort } = value as Partial<HostPortMapping>;
  const isPort = (port: unknown): boolean =>
    Number.isInteger(port) && Number(port) > 0 && Number(port) <= 65_535;
  return (
    typeof pod === "string" &&
    ["TCP", "UDP", "SCTP"].includes(protocol ?? "") &&
    typeof hostIP === "string" &&
    isPort(hostPort) &&
    isPort(podPort) &&
    Array.isArray(podIPs) &&
    podIPs.every((ip) => typeof ip === "string")
  );
}
