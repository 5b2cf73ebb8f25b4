import { humanDuration } from "../../../machinery/api/human-duration.js";
import type { ContainerState, ContainerStatus, Pod } from "../../../machinery/api/core-v1.js";
import { ageColumn, ageOf, NONE, nameColumn, textColumn, wide } from "../printing.js";
import type { TableCell, TableColumn } from "../serve.js";

// Upstream: pkg/printers/internalversion printPod.

export const podColumns: readonly TableColumn[] = [
  nameColumn,
  textColumn("Ready", "The aggregate readiness state of this pod for accepting traffic."),
  textColumn("Status", "The aggregate status of the containers in this pod."),
  textColumn(
    "Restarts",
    "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
  ),
  ageColumn,
  wide(textColumn("IP", "podIP address allocated to the pod. Empty if not yet allocated.")),
  wide(textColumn("Node", "NodeName indicates in which node this pod is scheduled.")),
  wide(
    textColumn(
      "Nominated Node",
      "nominatedNodeName is set only when this pod preempts other pods on the node, but it cannot be scheduled right away as preemption victims receive their graceful termination periods.",
    ),
  ),
  wide(
    textColumn(
      "Readiness Gates",
      "If specified, all readiness gates will be evaluated for pod readiness. A pod is ready when all its containers are ready AND all conditions specified in the readiness gates have status equal to True.",
    ),
  ),
];

export function podRow(pod: Pod, nowMs: number): TableCell[] {
  const summary = summarize(pod);
  return [
    pod.metadata.name,
    `${summary.ready}/${summary.total}`,
    summary.reason,
    restartsText(summary, nowMs),
    ageOf(pod, nowMs),
    pod.status.podIPs?.[0]?.ip || pod.status.podIP || NONE,
    pod.spec.nodeName || NONE,
    pod.status.nominatedNodeName || NONE,
    readinessGates(pod),
  ];
}

interface Summary {
  reason: string;
  ready: number;
  total: number;
  restarts: number;
  lastRestartMs: number;
}

/** STATUS, READY and RESTARTS of a pod, as `kubectl get pods` shows them. */
function summarize(pod: Pod): Summary {
  const gated = pod.status.conditions?.some(
    (condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated",
  );
  const summary: Summary = {
    reason: gated ? "SchedulingGated" : pod.status.reason || pod.status.phase || "",
    ready: 0,
    total: pod.spec.containers.length + sidecarNames(pod).size,
    restarts: 0,
    lastRestartMs: 0,
  };
  const initializing = addInitContainers(pod, summary);
  if (!initializing || hasTrueCondition(pod, "Initialized")) addContainers(pod, summary);
  if (pod.metadata.deletionTimestamp) {
    if (pod.status.reason === "NodeLost") summary.reason = "Unknown";
    else if (pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed")
      summary.reason = "Terminating";
  }
  return summary;
}

const sidecarNames = (pod: Pod): Set<string> =>
  new Set(
    (pod.spec.initContainers ?? [])
      .filter((container) => container.restartPolicy === "Always")
      .map((container) => container.name),
  );

/** True while an init container has not finished. */
function addInitContainers(pod: Pod, summary: Summary): boolean {
  const sidecars = sidecarNames(pod);
  for (const [i, status] of (pod.status.initContainerStatuses ?? []).entries()) {
    countRestarts(status, summary);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(status.name) && status.started) {
      if (status.ready) summary.ready += 1;
      continue;
    }
    summary.reason = initReason(status.state ?? {}, i, pod.spec.initContainers?.length ?? 0);
    return true;
  }
  return false;
}

function initReason(state: ContainerState, index: number, total: number): string {
  if (state.terminated) return `Init:${terminatedReason(state.terminated)}`;
  const waiting = state.waiting?.reason;
  return waiting && waiting !== "PodInitializing" ? `Init:${waiting}` : `Init:${index}/${total}`;
}

const terminatedReason = (terminated: NonNullable<ContainerState["terminated"]>): string =>
  terminated.reason ||
  (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`);

function addContainers(pod: Pod, summary: Summary): void {
  const sidecars = sidecarNames(pod);
  summary.restarts = 0;
  summary.lastRestartMs = 0;
  for (const status of pod.status.initContainerStatuses ?? [])
    if (sidecars.has(status.name)) countRestarts(status, summary);
  let running = false;
  for (const status of [...(pod.status.containerStatuses ?? [])].reverse()) {
    countRestarts(status, summary);
    const { waiting, terminated, running: alive } = status.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated) summary.reason = terminatedReason(terminated);
    else if (status.ready && alive) {
      running = true;
      summary.ready += 1;
    }
  }
  if (summary.reason === "Completed" && running)
    summary.reason = hasTrueCondition(pod, "Ready") ? "Running" : "NotReady";
}

function countRestarts(status: ContainerStatus, summary: Summary): void {
  summary.restarts += status.restartCount ?? 0;
  const finishedAt = status.lastState?.terminated?.finishedAt;
  if (finishedAt) summary.lastRestartMs = Math.max(summary.lastRestartMs, Date.parse(finishedAt));
}

const restartsText = ({ restarts, lastRestartMs }: Summary, nowMs: number): string =>
  restarts !== 0 && lastRestartMs !== 0
    ? `${restarts} (${humanDuration(nowMs - lastRestartMs)} ago)`
    : String(restarts);

const hasTrueCondition = (pod: Pod, type: string): boolean =>
  pod.status.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const met = gates.filter((gate) => hasTrueCondition(pod, gate.conditionType)).length;
  return `${met}/${gates.length}`;
}
