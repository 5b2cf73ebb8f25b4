import type { Node } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { type ObjectKey, objectKey } from "../../machinery/api/resource.js";
import { controllerOf } from "../owner.js";
import type { CachedPod } from "../pod-state.js";
import { type Amounts, podResources, toAmounts } from "./resources.js";

export type CachedNode = DeepReadonly<Node>;

/** A node with what its pods take, kept up pod by pod. */
export class NodeState {
  node: CachedNode;
  allocatable: Amounts;
  readonly pods = new Map<ObjectKey, CachedPod>();
  readonly requested = new Map<string, number>();
  assumedMilliCpu = 0;
  assumedMemoryBytes = 0;
  /** Host ports in use, as `ip/protocol/port`. */
  readonly ports = new Map<string, number>();
  /** Pods by the uid of their controller, for spreading replicas. */
  readonly replicas = new Map<string, number>();

  constructor(node: CachedNode) {
    this.node = node;
    this.allocatable = toAmounts(node.status.allocatable);
  }

  get name(): string {
    return this.node.metadata.name;
  }

  label(key: string): string | undefined {
    return this.node.metadata.labels?.[key];
  }

  update(node: CachedNode): void {
    this.node = node;
    this.allocatable = toAmounts(node.status.allocatable);
  }

  add(pod: CachedPod): void {
    this.pods.set(objectKey(pod), pod);
    this.#account(pod, 1);
  }

  remove(key: ObjectKey): void {
    const pod = this.pods.get(key);
    if (!pod) return;
    this.pods.delete(key);
    this.#account(pod, -1);
  }

  #account(pod: CachedPod, sign: 1 | -1): void {
    const { requests, assumedMilliCpu, assumedMemoryBytes } = podResources(pod);
    for (const [name, amount] of requests) change(this.requested, name, sign * amount);
    this.assumedMilliCpu += sign * assumedMilliCpu;
    this.assumedMemoryBytes += sign * assumedMemoryBytes;
    for (const port of hostPorts(pod)) change(this.ports, port, sign);
    const owner = controllerOf(pod);
    if (owner) change(this.replicas, owner.uid, sign);
  }
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

/** Host ports that a pod claims, as `ip/protocol/port`; 0.0.0.0 stands for every address. */
export function hostPorts(pod: CachedPod): string[] {
  const claimed: string[] = [];
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (port.hostPort) claimed.push(`${port.hostIP || "0.0.0.0"}/${port.protocol}/${port.hostPort}`);
    }
  }
  return claimed;
}
