import type { Node, NodeCondition } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

/** --node-monitor-grace-period of 1.32 and later. */
export const GRACE_MS = 50_000;
/** --node-startup-grace-period: for nodes that have never reported. */
const STARTUP_GRACE_MS = 60_000;

/** Conditions that become Unknown when the kubelet falls silent. */
const WATCHED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** When a node was last heard of, by this controller's own clock. */
export interface LastHeard {
  /** What it said: a new lease renewal or heartbeat counts as being heard. */
  signs: string;
  heardMs: number;
}

export function hear(
  last: LastHeard | undefined,
  node: DeepReadonly<Node>,
  renewTime: string | undefined,
  monotonicMs: number,
): LastHeard {
  const signs = [node.metadata.uid, renewTime, ...heartbeats(node)].join("\n");
  return last?.signs === signs ? last : { signs, heardMs: monotonicMs };
}

/** Conditions set by this controller itself must not look like a sign of life. */
const heartbeats = (node: DeepReadonly<Node>): (string | undefined)[] =>
  (node.status.conditions ?? [])
    .filter(({ status }) => status !== "Unknown")
    .map(({ lastHeartbeatTime }) => lastHeartbeatTime);

export const isSilent = (node: DeepReadonly<Node>, last: LastHeard, monotonicMs: number): boolean =>
  monotonicMs - last.heardMs > (hasReported(node) ? GRACE_MS : STARTUP_GRACE_MS);

const hasReported = (node: DeepReadonly<Node>): boolean =>
  node.status.conditions?.some(({ type }) => type === "Ready") === true;

// Upstream: pkg/controller/nodelifecycle/node_lifecycle_controller.go tryUpdateNodeHealth.
/** The conditions of a silent node; undefined when they say so already. */
export function silentConditions(node: DeepReadonly<Node>, now: string): NodeCondition[] | undefined {
  const current = (node.status.conditions ?? []) as NodeCondition[];
  let changed = false;
  const next = [...current];
  for (const type of WATCHED) {
    const i = next.findIndex((condition) => condition.type === type);
    const before = next[i];
    if (before?.status === "Unknown") continue;
    changed = true;
    const unknown: NodeCondition = {
      type,
      status: "Unknown",
      reason: before ? "NodeStatusUnknown" : "NodeStatusNeverUpdated",
      message: before ? "Kubelet stopped posting node status." : "Kubelet never posted node status.",
      lastHeartbeatTime: before?.lastHeartbeatTime ?? node.metadata.creationTimestamp,
      lastTransitionTime: now,
    };
    if (i < 0) next.push(unknown);
    else next[i] = unknown;
  }
  return changed ? next : undefined;
}
