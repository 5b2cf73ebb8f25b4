import type { Pod } from "../../machinery/api/core-v1.js";
import { quantityValue } from "./field-ref.js";
import { claimedPorts, portsClash } from "./host-ports.js";

/** Why a kubelet will not run a pod that was bound to its node: the pod fails at once. */
export interface Rejection {
  reason: string;
  message: string;
}

export interface AdmissionInputs {
  pod: Pod;
  /** Pods that the node has taken and that have not ended. */
  others: readonly Pod[];
  allocatable: Readonly<Record<string, string>>;
}

// Upstream: pkg/kubelet/lifecycle/predicate.go.
/** The checks that a kubelet makes itself, because not every pod comes by the scheduler. */
export function admitPod(inputs: AdmissionInputs): Rejection | undefined {
  return portRejection(inputs) ?? resourceRejection(inputs);
}

const predicateFailed = (predicate: string, why: string): Rejection => ({
  reason: predicate,
  message: `Pod was rejected: Predicate ${predicate} failed: ${why}`,
});

function portRejection({ pod, others }: AdmissionInputs): Rejection | undefined {
  const taken = others.flatMap(claimedPorts);
  if (!claimedPorts(pod).some((port) => taken.some((other) => portsClash(port, other)))) return undefined;
  return predicateFailed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
}

function resourceRejection({ pod, others, allocatable }: AdmissionInputs): Rejection | undefined {
  const podLimit = quantityValue(allocatable.pods ?? "110");
  if (others.length + 1 > podLimit) return outOf("pods", 1, others.length, podLimit);
  for (const [resource, scale] of SCALES) {
    const requested = requests(pod, resource) * scale;
    if (requested === 0 || allocatable[resource] === undefined) continue;
    const used = others.reduce((sum, other) => sum + requests(other, resource) * scale, 0);
    const capacity = quantityValue(allocatable[resource]) * scale;
    if (used + requested > capacity) return outOf(resource, requested, used, capacity);
  }
  return undefined;
}

/** Messages count CPUs in thousandths. */
const SCALES = [
  ["cpu", 1000],
  ["memory", 1],
] as const;

function outOf(resource: string, requested: number, used: number, capacity: number): Rejection {
  const numbers = `requested: ${Math.ceil(requested)}, used: ${Math.ceil(used)}, capacity: ${capacity}`;
  return {
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, ${numbers}`,
  };
}

/** What a pod asks for: its containers and sidecars together, or the largest init container. */
function requests(pod: Pod, resource: string): number {
  const of = (container: Pod["spec"]["containers"][number]): number =>
    quantityValue(
      container.resources?.requests?.[resource] ?? container.resources?.limits?.[resource] ?? "0",
    );
  const init = pod.spec.initContainers ?? [];
  const sidecars = init.filter(({ restartPolicy }) => restartPolicy === "Always");
  const together = [...pod.spec.containers, ...sidecars].reduce((sum, container) => sum + of(container), 0);
  return Math.max(together, ...init.filter(({ restartPolicy }) => restartPolicy !== "Always").map(of));
}
