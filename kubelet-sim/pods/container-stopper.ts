import type { Pod } from "../../machinery/api/core-v1.js";
import type { Container as RuntimeContainer, Sandbox } from "../container-runtime.js";
import type { ProbeTarget } from "../probes/prober.js";
import type { ContainerRecord } from "./container-record.js";
import { runHook } from "./lifecycle-hooks.js";
import type { NodeContext } from "./node-context.js";

/** SIGTERM is always given this long, however much of the grace period preStop has taken. */
const LEAST_GRACE_MS = 2000;
const HOOK_OVER = new Error("the hook's time is over");

export interface StopRequest {
  node: NodeContext;
  pod: Pod;
  record: ContainerRecord;
  container: RuntimeContainer;
  sandbox: Sandbox;
  graceMs: number;
  /** Text of the Killing event. */
  message: string;
  /** Aborted when the grace period became shorter: preStop is not waited for any longer. */
  hurry: AbortSignal;
}

// Upstream: pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer.
/** preStop within the grace period, then SIGTERM, then SIGKILL at its end. Resolves when the container has ended. */
export async function stopContainer(request: StopRequest): Promise<void> {
  const { node, pod, record, container, graceMs } = request;
  node.event(pod, "Normal", "Killing", request.message, record.spec.name);
  const startedMs = node.clock.monotonicMs();
  if (graceMs > 0) await preStop(request);
  const leftMs = graceMs - (node.clock.monotonicMs() - startedMs);
  if (request.hurry.aborted) return void (await container.exited);
  await container.stop(
    graceMs === 0 ? 0 : Math.max(leftMs, LEAST_GRACE_MS),
    record.spec.lifecycle?.stopSignal,
  );
}

async function preStop(request: StopRequest): Promise<void> {
  const { node, pod, record, container, graceMs, hurry } = request;
  const hook = record.spec.lifecycle?.preStop;
  if (!hook) return;
  const over = new AbortController();
  const timer = node.clock.setTimer(graceMs, () => over.abort(HOOK_OVER));
  container.exited.then(
    () => over.abort(HOOK_OVER),
    () => over.abort(HOOK_OVER),
  );
  try {
    const failure = await runHook(hook, hookTarget(request), AbortSignal.any([over.signal, hurry]));
    if (failure) node.event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", record.spec.name);
  } catch (err) {
    if (!over.signal.aborted && !hurry.aborted) throw err;
  } finally {
    timer.cancel();
  }
}

export const hookTarget = ({
  node,
  record,
  container,
  sandbox,
}: Pick<StopRequest, "node" | "record" | "container" | "sandbox">): ProbeTarget => ({
  container: record.spec,
  running: container,
  podIP: sandbox.ip,
  toPods: node.toPods,
  nodeNetwork: node.network,
  clock: node.clock,
});
