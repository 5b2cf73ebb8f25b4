import type { Container, Pod } from "../../machinery/api/core-v1.js";
import type { ContainerConfig, PulledImage, Sandbox } from "../container-runtime.js";
import type { PodVolumes } from "../volumes/pod-volumes.js";
import type { ContainerRecord, FinishedRun } from "./container-record.js";
import { formatDuration } from "./durations.js";
import { ContainerConfigError, containerEnv } from "./env.js";
import { expand } from "./expansion.js";
import type { DownwardContext } from "./field-ref.js";
import { ImageNotReady } from "./image-puller.js";
import type { NodeContext } from "./node-context.js";
import { terminationLog } from "./termination-message.js";

export interface StartContext {
  node: NodeContext;
  pod: Pod;
  sandbox: Sandbox;
  volumes: PodVolumes;
  downward: DownwardContext;
}

/** `started`, or when to look again. */
export type StartOutcome = { kind: "started" } | { kind: "later"; retryInMs: number };

const CONFIG_RETRY_MS = 10_000;
const RUN_RETRY_MS = 1_000;

/** `web_default(3f2a…)`: how the kubelet names a pod in messages. */
export const podFullName = ({ metadata }: Pod): string =>
  `${metadata.name}_${metadata.namespace}(${metadata.uid})`;

// Upstream: pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer.
/** Takes a container from waiting (or ended) to running, or leaves the reason why not in its waiting state. */
export async function startContainer(record: ContainerRecord, context: StartContext): Promise<StartOutcome> {
  const { node, pod } = context;
  const name = record.spec.name;
  const emit = (type: "Normal" | "Warning", reason: string, message: string): void =>
    node.event(pod, type, reason, message, name);
  const lastRun = record.current.kind === "finished" ? record.current : record.last;
  const waitMs = crashBackOff(record, lastRun, context);
  if (waitMs > 0) return { kind: "later", retryInMs: waitMs };
  try {
    const image = await node.puller.ensure(pod.metadata.uid, record.spec, emit);
    const config = await containerConfig(record, image, context);
    const delayMs = node.faults.startDelayMs(node.nodeName, record.spec.image);
    if (delayMs > 0) await node.clock.sleep(delayMs, node.stopped);
    return await create(record, lastRun, config, context);
  } catch (err) {
    if (err instanceof ImageNotReady) {
      becomeWaiting(record, err.reason, err.message);
      return { kind: "later", retryInMs: err.retryInMs };
    }
    if (!(err instanceof Error) || node.stopped.aborted) throw err;
    if (!(err instanceof ContainerConfigError))
      node.logger.warn("Could not configure a container", { pod: pod.metadata.name, container: name, err });
    emit("Warning", "Failed", `Error: ${err.message}`);
    becomeWaiting(record, "CreateContainerConfigError", err.message);
    return { kind: "later", retryInMs: CONFIG_RETRY_MS };
  }
}

/** An ended run becomes the last state of the waiting container. */
function becomeWaiting(record: ContainerRecord, reason: string, message: string): void {
  if (record.current.kind === "finished") record.last = record.current;
  record.current = { kind: "waiting", reason, message };
}

/** Milliseconds to wait before a container that has ended may run again. Puts it into CrashLoopBackOff meanwhile. */
function crashBackOff(
  record: ContainerRecord,
  lastRun: FinishedRun | undefined,
  { node, pod }: StartContext,
): number {
  if (!lastRun) return 0;
  const key = `${pod.metadata.uid}_${record.spec.name}`;
  const endedMs = lastRun.exit.finishedAtMs;
  const nowMs = node.clock.nowMs();
  const waitMs = node.crashBackOff.remainingMs(key, endedMs, nowMs);
  if (waitMs === 0) {
    node.crashBackOff.next(key, endedMs, nowMs);
    return 0;
  }
  if (record.current.kind === "waiting" && record.current.reason === "CrashLoopBackOff") return waitMs;
  const container = record.spec.name;
  node.event(
    pod,
    "Warning",
    "BackOff",
    `Back-off restarting failed container ${container} in pod ${podFullName(pod)}`,
    container,
  );
  const delay = formatDuration(node.crashBackOff.delayMs(key));
  becomeWaiting(
    record,
    "CrashLoopBackOff",
    `back-off ${delay} restarting failed container=${container} pod=${podFullName(pod)}`,
  );
  return waitMs;
}

async function containerConfig(
  record: ContainerRecord,
  image: PulledImage,
  { node, downward, volumes }: StartContext,
): Promise<ContainerConfig> {
  const { spec } = record;
  record.image = image;
  const env = await containerEnv(spec, downward, node.config);
  const lastWords = terminationLog(spec);
  record.lastWords = lastWords.volume;
  return {
    name: spec.name,
    image,
    command: (spec.command ?? []).map((text) => expand(text, env)),
    args: (spec.args ?? []).map((text) => expand(text, env)),
    env: [...env].map(([name, value]) => ({ name, value })),
    ...(spec.workingDir ? { workingDir: spec.workingDir } : {}),
    mounts: [...volumes.mounts(spec, env), lastWords.mount],
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    tty: spec.tty ?? false,
    attempt: attemptOf(record),
  };
}

const attemptOf = (record: ContainerRecord): number =>
  record.container || record.last ? record.restartCount + 1 : record.restartCount;

async function create(
  record: ContainerRecord,
  lastRun: FinishedRun | undefined,
  config: ContainerConfig,
  { node, pod, sandbox }: StartContext,
): Promise<StartOutcome> {
  const { name } = record.spec;
  const container = sandbox.createContainer(config);
  node.event(pod, "Normal", "Created", "Container created", name);
  if (record.container) record.previous = record.container;
  record.container = container;
  record.restartCount = config.attempt;
  if (lastRun) record.last = { exit: lastRun.exit, containerId: lastRun.containerId };
  record.started = false;
  record.ready = false;
  delete record.killing;
  delete record.fresh;
  try {
    await container.start();
  } catch (err) {
    return startFailed(record, container.id, err, { node, pod });
  }
  record.current = { kind: "running", startedAtMs: node.clock.nowMs() };
  node.event(pod, "Normal", "Started", "Container started", name);
  return { kind: "started" };
}

/** runc could not run the program: the run ends with code 128 and is retried with back-off like any other. */
function startFailed(
  record: ContainerRecord,
  containerId: string,
  err: unknown,
  { node, pod }: Pick<StartContext, "node" | "pod">,
): StartOutcome {
  const message = err instanceof Error ? err.message : String(err);
  node.event(pod, "Warning", "Failed", `Error: ${message}`, record.spec.name);
  const nowMs = node.clock.nowMs();
  const exit = { exitCode: 128, reason: "StartError", message, startedAtMs: 0, finishedAtMs: nowMs };
  const once = pod.spec.restartPolicy === "Never" || record.kind === "ephemeral";
  const never = once && record.kind !== "sidecar";
  if (never) record.current = { kind: "finished", exit, containerId };
  else {
    record.last = { exit, containerId };
    record.current = { kind: "waiting", reason: "RunContainerError", message };
  }
  return { kind: "later", retryInMs: RUN_RETRY_MS };
}

/** The containers of a pod whose images may be forgotten. */
export const allContainers = (pod: Pod): Container[] => [
  ...(pod.spec.initContainers ?? []),
  ...pod.spec.containers,
];
