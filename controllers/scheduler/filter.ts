import type { CachedPod } from "../pod-state.js";
import type { ClusterState } from "./cluster-state.js";
import type { NodeState } from "./node-state.js";

export interface Rejection {
  /** As events say it. */
  reasons: readonly string[];
  /** True when evicting pods would not help. */
  unresolvable: boolean;
}

export type NodeCheck = (node: NodeState) => Rejection | undefined;

export interface FilterContext {
  state: ClusterState;
  /** Labels of a namespace, for namespace selectors. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>> | undefined;
}

/** One reason for which a node may not take a pod. */
export interface Filter {
  readonly name: string;
  /** What to ask of each node; undefined when this pod has nothing to ask. Work that is the same for all nodes goes here. */
  prepare(pod: CachedPod, context: FilterContext): NodeCheck | undefined;
}

export const unresolvable = (reason: string): Rejection => ({ reasons: [reason], unresolvable: true });
export const resolvable = (reason: string): Rejection => ({ reasons: [reason], unresolvable: false });
