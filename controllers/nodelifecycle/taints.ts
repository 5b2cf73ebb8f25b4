import type { Node, NodeCondition, Taint } from "../../machinery/api/core-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";

type CachedNode = DeepReadonly<Node>;

export const NOT_READY = "node.kubernetes.io/not-ready";
export const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** Condition → status → key of the NoSchedule taint that it stands for (upstream nodeConditionToTaintKeyStatusMap). */
const TAINT_OF_CONDITION: Readonly<Record<string, Partial<Record<NodeCondition["status"], string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const MANAGED_NO_SCHEDULE = new Set([
  UNSCHEDULABLE,
  ...Object.values(TAINT_OF_CONDITION).flatMap((byStatus) => Object.values(byStatus)),
]);

export const readyStatus = (node: CachedNode): NodeCondition["status"] | undefined =>
  node.status.conditions?.find(({ type }) => type === "Ready")?.status;

/** The NoExecute taint that the Ready condition asks for. */
export function noExecuteKey(node: CachedNode): string | undefined {
  const status = readyStatus(node);
  return status === "False" ? NOT_READY : status === "Unknown" ? UNREACHABLE : undefined;
}

/**
 * The taints that a node should have: NoSchedule ones follow its conditions at once; NoExecute ones are there only while
 * `mayEvict` (asked whether the node evicts already) says so, and go as soon as the node is ready. Undefined when it has them already.
 */
export function planTaints(
  node: CachedNode,
  options: { mayEvict: (evicting: boolean) => boolean; now: string },
): Taint[] | undefined {
  const current = (node.spec.taints ?? []) as Taint[];
  const kept = current.filter((taint) => !isManaged(taint));
  const wanted = [...noScheduleTaints(node), ...noExecuteTaints(node, options.mayEvict)];
  const next = wanted.map(
    (taint) => current.find((one) => sameTaint(one, taint)) ?? stamped(taint, options.now),
  );
  const unchanged =
    next.length === current.length - kept.length && next.every((taint) => current.includes(taint));
  return unchanged ? undefined : [...kept, ...next];
}

function noScheduleTaints(node: CachedNode): Taint[] {
  const keys = (node.status.conditions ?? []).flatMap(
    ({ type, status }) => TAINT_OF_CONDITION[type]?.[status] ?? [],
  );
  // A node that has never reported is not ready.
  if (readyStatus(node) === undefined) keys.push(NOT_READY);
  if (node.spec.unschedulable) keys.push(UNSCHEDULABLE);
  return keys.map((key) => ({ key, effect: "NoSchedule" }));
}

function noExecuteTaints(node: CachedNode, mayEvict: (evicting: boolean) => boolean): Taint[] {
  const key = noExecuteKey(node);
  if (!key) return [];
  // Changing from not ready to unreachable is no new eviction.
  const evicting = node.spec.taints?.some((taint) => isEvicting(taint)) === true;
  return mayEvict(evicting) ? [{ key, effect: "NoExecute" }] : [];
}

const isEvicting = ({ key, effect }: DeepReadonly<Taint>): boolean =>
  effect === "NoExecute" && (key === NOT_READY || key === UNREACHABLE);

const isManaged = (taint: DeepReadonly<Taint>): boolean =>
  isEvicting(taint) || (taint.effect === "NoSchedule" && MANAGED_NO_SCHEDULE.has(taint.key));

const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

const stamped = (taint: Taint, now: string): Taint => ({ ...taint, timeAdded: now });
