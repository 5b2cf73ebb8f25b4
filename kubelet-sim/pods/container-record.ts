import type { Container, ContainerState, ContainerStatus } from "../../machinery/api/core-v1.js";
import { toTime } from "../../machinery/api/clock.js";
import type {
  Container as RuntimeContainer,
  ExitStatus,
  PodVolume,
  PulledImage,
} from "../container-runtime.js";

export type ContainerKind = "init" | "sidecar" | "main" | "ephemeral";

/** What the kubelet remembers of one container of a pod, across its restarts. */
export interface ContainerRecord {
  readonly spec: Container;
  readonly kind: ContainerKind;
  restartCount: number;
  current: CurrentState;
  /** The run before the current one. */
  last?: FinishedRun;
  /** Of the current or latest run. */
  container?: RuntimeContainer;
  /** Holds the current run's termination message. */
  lastWords?: PodVolume;
  /** Resolves once the current run's end is in this record. */
  ended?: Promise<void>;
  /** The run that somebody attached to last. */
  attached?: RuntimeContainer;
  /** Kept for `logs --previous`. */
  previous?: RuntimeContainer;
  image?: PulledImage;
  /** Startup probe passed, or there is none and postStart has returned. */
  started: boolean;
  /** Readiness probe passes, or there is none and the container has started. */
  ready: boolean;
  /** The pod's sandbox is a new one, and this has not begun in it. */
  fresh?: boolean;
  /** Why the kubelet itself is ending this run, so that the exit is not taken for the program's own. */
  killing?: string;
}

export type CurrentState =
  | { kind: "waiting"; reason: string; message?: string }
  | { kind: "running"; startedAtMs: number }
  | ({ kind: "finished" } & FinishedRun);

export interface FinishedRun {
  exit: ExitStatus;
  containerId: string;
}

/** A container that has not been made yet. */
export const newContainerRecord = (spec: Container, kind: ContainerKind): ContainerRecord => ({
  spec,
  kind,
  restartCount: 0,
  current: { kind: "waiting", reason: "ContainerCreating" },
  started: false,
  ready: false,
});

export const exitCodeOf = (record: ContainerRecord): number | undefined =>
  record.current.kind === "finished" ? record.current.exit.exitCode : undefined;

const waitingState = (reason: string, message: string | undefined): ContainerState => ({
  waiting: { ...(message ? { message } : {}), reason },
});

/** Without the signal: the container runtime interface does not tell it, so no kubelet reports it. */
export function terminatedState(run: FinishedRun): ContainerState {
  const { exit } = run;
  return {
    terminated: {
      ...(run.containerId ? { containerID: run.containerId } : {}),
      exitCode: exit.exitCode,
      ...(exit.finishedAtMs > 0 ? { finishedAt: toTime(exit.finishedAtMs) } : {}),
      ...(exit.message ? { message: exit.message } : {}),
      reason: exit.reason,
      ...(exit.startedAtMs > 0 ? { startedAt: toTime(exit.startedAtMs) } : {}),
    },
  };
}

function stateOf(record: ContainerRecord, waitingReason: string): ContainerState {
  const { current } = record;
  switch (current.kind) {
    case "running":
      return { running: { startedAt: toTime(current.startedAtMs) } };
    case "finished":
      return terminatedState(current);
    case "waiting":
      return waitingState(
        current.reason === "ContainerCreating" ? waitingReason : current.reason,
        current.message,
      );
  }
}

/** `waitingReason` stands for ContainerCreating while init containers have not finished (PodInitializing). */
export function toContainerStatus(record: ContainerRecord, waitingReason: string): ContainerStatus {
  const { spec, image } = record;
  const id = containerIdOf(record);
  const running = record.current.kind === "running";
  return {
    ...(spec.resources?.requests ? { allocatedResources: spec.resources.requests } : {}),
    ...(id ? { containerID: id } : {}),
    image: image?.name ?? spec.image,
    imageID: image?.id ?? "",
    lastState: record.last ? terminatedState(record.last) : {},
    name: spec.name,
    ready: isReady(record),
    ...(spec.resources ? { resources: spec.resources } : {}),
    restartCount: record.restartCount,
    started: running && record.started,
    state: stateOf(record, waitingReason),
    ...(spec.volumeMounts && spec.volumeMounts.length > 0
      ? { volumeMounts: spec.volumeMounts.map(toMountStatus) }
      : {}),
  };
}

function isReady(record: ContainerRecord): boolean {
  if (record.kind === "init") return exitCodeOf(record) === 0;
  return record.current.kind === "running" && record.ready;
}

function containerIdOf(record: ContainerRecord): string | undefined {
  if (record.current.kind === "finished") return record.current.containerId;
  if (record.current.kind === "running") return record.container?.id;
  return record.last?.containerId;
}

const toMountStatus = (mount: NonNullable<Container["volumeMounts"]>[number]) => ({
  mountPath: mount.mountPath,
  name: mount.name,
  ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: "Disabled" } : {}),
});
