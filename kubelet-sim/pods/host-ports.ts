import type { ContainerPort, Pod } from "../../machinery/api/core-v1.js";
import { canonicalIp } from "../../machinery/network/addresses.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";

/** Ports that a pod claims of its node: of containers and sidecars. */
export function claimedPorts({ spec }: Pod): (ContainerPort & { hostPort: number })[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap((port) => (port.hostPort ? [{ ...port, hostPort: port.hostPort }] : [])),
  );
}

/** What the runtime asks the CNI plugin portmap for; a pod in the node's network is there already. */
export function hostPortMappings(pod: Pod, podIPs: readonly string[]): HostPortMapping[] {
  if (pod.spec.hostNetwork) return [];
  return claimedPorts(pod).map(({ protocol, hostIP, hostPort, containerPort }) => ({
    pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
    protocol,
    hostIP: isEveryAddress(hostIP) ? "" : canonicalIp(hostIP ?? ""),
    hostPort,
    podIPs,
    podPort: containerPort,
  }));
}

/** Whether two claims are for one port of one address. */
export const portsClash = (
  a: Pick<ContainerPort, "hostIP" | "hostPort" | "protocol">,
  b: Pick<ContainerPort, "hostIP" | "hostPort" | "protocol">,
): boolean =>
  a.hostPort === b.hostPort &&
  a.protocol === b.protocol &&
  (a.hostIP === b.hostIP || isEveryAddress(a.hostIP) || isEveryAddress(b.hostIP));

const isEveryAddress = (ip: string | undefined): boolean => !ip || ip === "0.0.0.0" || ip === "::";
