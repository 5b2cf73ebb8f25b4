import type { Pod } from "../../machinery/api/core-v1.js";
import { type ContainerRecord, exitCodeOf } from "./container-record.js";
import { isInitialized } from "./pod-conditions.js";

export interface PodPlan {
  /** To be started now, in order (back-off not yet looked at). */
  start: ContainerRecord[];
  /** Nothing runs that keeps the pod alive and nothing will be started again. */
  completed: boolean;
}

// Upstream: pkg/kubelet/kuberuntime computePodActions, computeInitContainerActions.
/** What one pass over a pod does. */
export function planPod(
  restartPolicy: Pod["spec"]["restartPolicy"],
  init: readonly ContainerRecord[],
  main: readonly ContainerRecord[],
): PodPlan {
  const failedInit = init.some(
    (record) => record.kind === "init" && (exitCodeOf(record) ?? 0) !== 0 && restartPolicy === "Never",
  );
  if (failedInit || main.every((record) => isDone(record, restartPolicy)))
    return { start: [], completed: true };
  const initialized = isInitialized(init) || main.some(hasBegun);
  const start = initialized ? crashedSidecars(init) : nextInit(init);
  if (initialized) start.push(...main.filter((record) => isStartable(record, restartPolicy)));
  return { start, completed: false };
}

const hasBegun = ({ current, last, fresh }: ContainerRecord): boolean =>
  fresh !== true && (current.kind !== "waiting" || last !== undefined);

/** Has ended and stays so. */
export function isDone(record: ContainerRecord, restartPolicy: Pod["spec"]["restartPolicy"]): boolean {
  const exitCode = exitCodeOf(record);
  return exitCode !== undefined && !restarts(exitCode, restartPolicy);
}

const restarts = (exitCode: number, restartPolicy: Pod["spec"]["restartPolicy"]): boolean =>
  restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);

const isStartable = (record: ContainerRecord, restartPolicy: Pod["spec"]["restartPolicy"]): boolean =>
  record.current.kind !== "running" && !isDone(record, restartPolicy);

const crashedSidecars = (init: readonly ContainerRecord[]): ContainerRecord[] =>
  init.filter((record) => record.kind === "sidecar" && record.current.kind !== "running");

/** Sidecars that died, then the first init container that still has to do its part. */
function nextInit(init: readonly ContainerRecord[]): ContainerRecord[] {
  const start: ContainerRecord[] = [];
  for (const record of init) {
    const running = record.current.kind === "running";
    if (record.kind === "sidecar") {
      if (!running) start.push(record);
      if (!running || !record.started) break;
    } else if (exitCodeOf(record) !== 0) {
      if (!running) start.push(record);
      break;
    }
  }
  return start;
}
