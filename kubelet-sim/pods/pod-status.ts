import { toTime } from "../../machinery/api/clock.js";
import type { Pod, PodStatus } from "../../machinery/api/core-v1.js";
import { type ContainerRecord, toContainerStatus } from "./container-record.js";
import { isInitialized, podConditions } from "./pod-conditions.js";
import { podPhase } from "./pod-phase.js";
import { qosClassOf } from "./qos.js";

export interface PodStatusInputs {
  pod: Pod;
  init: readonly ContainerRecord[];
  main: readonly ContainerRecord[];
  ephemeral: readonly ContainerRecord[];
  /** The node's addresses, the primary one first. */
  hostIPs: readonly string[];
  /** The sandbox's, the primary one first; empty while there is no sandbox. */
  podIPs: readonly string[];
  /** Kept in the status after the sandbox is gone. */
  sandboxReady: boolean;
  startTimeMs: number;
  nowMs: number;
  /** The pod has been ended by the kubelet; no container will be started again. */
  stopped: boolean;
  /** Overrides what the containers say (DeadlineExceeded, OutOfcpu…). */
  failure?: { reason: string; message: string };
}

/** What the kubelet reports about a pod. Pure: the same records give the same status. */
export function podStatus(inputs: PodStatusInputs): PodStatus {
  const { pod, init, main, failure } = inputs;
  const [podIP] = inputs.podIPs;
  const previous = pod.status;
  const phase = failure
    ? "Failed"
    : podPhase({ restartPolicy: pod.spec.restartPolicy, init, main, stopped: inputs.stopped });
  const waitingReason = isInitialized(init) ? "ContainerCreating" : "PodInitializing";
  return {
    ...(pod.metadata.generation ? { observedGeneration: pod.metadata.generation } : {}),
    phase,
    conditions: podConditions({
      pod,
      phase,
      init,
      main,
      sandboxReady: inputs.sandboxReady,
      nowMs: inputs.nowMs,
      previous: previous.conditions ?? [],
    }),
    ...(failure ? { reason: failure.reason, message: failure.message } : {}),
    hostIP: inputs.hostIPs[0] ?? "",
    hostIPs: inputs.hostIPs.map((ip) => ({ ip })),
    ...(podIP ? { podIP, podIPs: inputs.podIPs.map((ip) => ({ ip })) } : {}),
    startTime: previous.startTime ?? toTime(inputs.startTimeMs),
    ...(init.length > 0
      ? { initContainerStatuses: init.map((record) => toContainerStatus(record, "PodInitializing")) }
      : {}),
    ...(inputs.ephemeral.length > 0
      ? {
          ephemeralContainerStatuses: inputs.ephemeral.map((record) =>
            toContainerStatus(record, waitingReason),
          ),
        }
      : {}),
    containerStatuses: main.map((record) => toContainerStatus(record, waitingReason)),
    qosClass: qosClassOf(pod),
  };
}
