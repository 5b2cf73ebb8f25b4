import type { ContainerStatus, Pod } from "../../machinery/api/core-v1.js";
import type { ExitStatus } from "../container-runtime.js";
import { type ContainerRecord, newContainerRecord } from "./container-record.js";

export interface Recovered {
  init: ContainerRecord[];
  main: ContainerRecord[];
  ephemeral: ContainerRecord[];
  /** Containers of this pod ran before, in a sandbox that is gone. */
  sandboxLost: boolean;
}

/**
 * The records of a pod that this kubelet meets for the first time. Where the API says that containers ran, the node was
 * restarted under them: they ended with code 255, as containerd reports after a reboot, and init containers run again.
 */
export function recoverContainers(pod: Pod, nowMs: number): Recovered {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status;
  const ended = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  const sandboxLost = [...initContainerStatuses, ...containerStatuses].some(({ containerID }) => containerID);
  const statusOf = (list: readonly ContainerStatus[], name: string): ContainerStatus | undefined =>
    list.find((status) => status.name === name);
  const restarts = ended || pod.spec.restartPolicy === "Never";
  return {
    init: (pod.spec.initContainers ?? []).map((spec) => {
      const kind = spec.restartPolicy === "Always" ? "sidecar" : "init";
      const record = newContainerRecord(spec, kind);
      recover(record, statusOf(initContainerStatuses, spec.name), nowMs, restarts);
      return record;
    }),
    main: pod.spec.containers.map((spec) => {
      const record = newContainerRecord(spec, "main");
      const status = statusOf(containerStatuses, spec.name);
      recover(record, status, nowMs, restarts || succeededForGood(pod, status));
      return record;
    }),
    ephemeral: (pod.spec.ephemeralContainers ?? []).map((spec) => {
      const record = newContainerRecord(spec, "ephemeral");
      recover(record, statusOf(pod.status.ephemeralContainerStatuses ?? [], spec.name), nowMs, true);
      return record;
    }),
    sandboxLost: sandboxLost && !ended,
  };
}

const succeededForGood = (pod: Pod, status: ContainerStatus | undefined): boolean =>
  pod.spec.restartPolicy === "OnFailure" && status?.state.terminated?.exitCode === 0;

function recover(
  record: ContainerRecord,
  status: ContainerStatus | undefined,
  nowMs: number,
  staysEnded: boolean,
): void {
  if (!status) return;
  record.restartCount = status.restartCount;
  const terminated =
    status.state.terminated ?? (status.state.running ? undefined : status.lastState.terminated);
  const exit: ExitStatus | undefined = terminated
    ? {
        exitCode: terminated.exitCode,
        reason: terminated.reason ?? "Error",
        ...(terminated.message === undefined ? {} : { message: terminated.message }),
        startedAtMs: parseTime(terminated.startedAt),
        finishedAtMs: parseTime(terminated.finishedAt),
      }
    : status.state.running && {
        exitCode: 255,
        reason: "Unknown",
        startedAtMs: parseTime(status.state.running.startedAt),
        finishedAtMs: nowMs,
      };
  if (!exit) return;
  const run = { exit, containerId: terminated?.containerID ?? status.containerID ?? "" };
  if (staysEnded && !status.state.waiting) {
    record.current = { kind: "finished", ...run };
    record.image = { name: status.image, id: status.imageID, sizeBytes: 0 };
  } else record.last = run;
}

const parseTime = (text: string | undefined): number => (text ? Date.parse(text) : 0);
