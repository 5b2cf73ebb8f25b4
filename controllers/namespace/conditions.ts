import { toTime } from "../../machinery/api/clock.js";
import type { Condition, DeepReadonly } from "../../machinery/api/meta-v1.js";

/** What one pass over a namespace's content found. */
export interface ContentReport {
  discoveryFailure?: string;
  deletionFailures: readonly string[];
  /** Objects left, by resource such as `pods.` (upstream prints the group after the dot, empty or not). */
  remaining: ReadonlyMap<string, number>;
  /** Objects left that have this finalizer. */
  finalizers: ReadonlyMap<string, number>;
}

// Upstream: pkg/controller/namespace/deletion/status_condition_utils.go.
/** The conditions of a namespace that is being deleted: what is done, what is left and what holds it. */
export function namespaceConditions(
  current: readonly DeepReadonly<Condition>[] | undefined,
  report: ContentReport,
  nowMs: number,
): Condition[] {
  const discoveryFailed = report.discoveryFailure !== undefined;
  const contentFailed = report.deletionFailures.length > 0;
  const wanted: Omit<Condition, "lastTransitionTime">[] = [
    {
      type: "NamespaceDeletionDiscoveryFailure",
      status: discoveryFailed ? "True" : "False",
      reason: discoveryFailed ? "DiscoveryFailed" : "ResourcesDiscovered",
      message: report.discoveryFailure
        ? `Discovery failed for some groups, 1 failing: ${report.discoveryFailure}`
        : "All resources successfully discovered",
    },
    {
      type: "NamespaceDeletionGroupVersionParsingFailure",
      status: "False",
      reason: "ParsedGroupVersions",
      message: "All legacy kube types successfully parsed",
    },
    {
      type: "NamespaceDeletionContentFailure",
      status: contentFailed ? "True" : "False",
      reason: contentFailed ? "ContentDeletionFailed" : "ContentDeleted",
      message: contentFailed
        ? `Failed to delete all resource types, ${report.deletionFailures.length} remaining: ${[...report.deletionFailures].sort().join(", ")}`
        : "All content successfully deleted, may be waiting on finalization",
    },
    contentCondition(report.remaining),
    finalizersCondition(report.finalizers),
  ];
  const now = toTime(nowMs);
  return wanted.map((condition) => {
    const before = current?.find(({ type }) => type === condition.type);
    const same = before?.status === condition.status;
    return { ...condition, lastTransitionTime: same ? before.lastTransitionTime : now };
  });
}

function contentCondition(remaining: ReadonlyMap<string, number>): Omit<Condition, "lastTransitionTime"> {
  const type = "NamespaceContentRemaining";
  if (remaining.size === 0) {
    return { type, status: "False", reason: "ContentRemoved", message: "All content successfully removed" };
  }
  const texts = [...remaining]
    .map(([resource, count]) => `${resource} has ${count} resource instances`)
    .sort();
  const message = `Some resources are remaining: ${texts.join(", ")}`;
  return { type, status: "True", reason: "SomeResourcesRemain", message };
}

function finalizersCondition(finalizers: ReadonlyMap<string, number>): Omit<Condition, "lastTransitionTime"> {
  const type = "NamespaceFinalizersRemaining";
  if (finalizers.size === 0) {
    const message = "All content-preserving finalizers finished";
    return { type, status: "False", reason: "ContentHasNoFinalizers", message };
  }
  const texts = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const message = `Some content in the namespace has finalizers remaining: ${texts.join(", ")}`;
  return { type, status: "True", reason: "SomeFinalizersRemain", message };
}
