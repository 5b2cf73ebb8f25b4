import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";
import { type ContainerRecord, exitCodeOf } from "./container-record.js";

export interface PhaseInputs {
  restartPolicy: Pod["spec"]["restartPolicy"];
  init: readonly ContainerRecord[];
  main: readonly ContainerRecord[];
  /** Every container has ended and none will be started again: the pod is being deleted or has failed. */
  stopped: boolean;
}

// Upstream: pkg/kubelet/kubelet_pods.go getPhase.
export function podPhase(inputs: PhaseInputs): PodStatus["phase"] {
  const { restartPolicy, main } = inputs;
  const init = initVerdict(inputs);
  if (init === "failed") return "Failed";
  const running = main.filter(({ current }) => current.kind === "running").length;
  const succeeded = main.filter((record) => exitCodeOf(record) === 0).length;
  const waiting = main.filter(({ current, last }) => current.kind === "waiting" && !last).length;
  const ended = main.length - running - waiting;
  if (inputs.stopped && running === 0 && main.every(hasRun))
    return succeeded === main.length ? "Succeeded" : "Failed";
  if (inputs.stopped && running === 0) return "Failed";
  if (init === "pending" || waiting > 0) return "Pending";
  if (running > 0) return "Running";
  if (ended === 0) return "Pending";
  // Sidecars outlive the containers they serve; the pod goes on until they have ended too.
  const sidecars = inputs.init.some(({ kind, current }) => kind === "sidecar" && current.kind === "running");
  if (restartPolicy === "Always" || sidecars) return "Running";
  if (succeeded === main.length) return "Succeeded";
  return restartPolicy === "Never" ? "Failed" : "Running";
}

const hasRun = (record: ContainerRecord): boolean => record.current.kind === "finished";

function initVerdict({ init, main, restartPolicy }: PhaseInputs): "done" | "pending" | "failed" {
  const mainStarted = main.some(({ current, last }) => current.kind !== "waiting" || last !== undefined);
  for (const record of init) {
    if (record.kind === "sidecar") {
      if (!record.started && !mainStarted) return "pending";
      continue;
    }
    const exitCode = exitCodeOf(record);
    if (exitCode === undefined) return "pending";
    if (exitCode !== 0) return restartPolicy === "Never" ? "failed" : "pending";
  }
  return "done";
}
