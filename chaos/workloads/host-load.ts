import { nodePortOf } from "../node-port.js";
import type { Operation } from "../history.js";
import type { TrafficSpec } from "../scenario/types.js";
import type { Workload, WorkloadContext } from "../workload.js";

/** Requests from this machine to a Service's node port, in an open loop: a slow answer does not hold the next one back. */
export const hostLoad: Workload = {
  async prepare(context, spec) {
    const { namespace, service = "", port } = spec;
    const nodePort = await nodePortOf(context.cluster.client, { namespace, service, port });
    return { run: () => send(context, spec, nodePort), dispose: async () => {} };
  },
};

async function send(context: WorkloadContext, spec: TrafficSpec, nodePort: number): Promise<Operation[]> {
  const { cluster, durationMs, signal } = context;
  const startedMs = cluster.clock.monotonicMs();
  const periodMs = 1000 / spec.perSecond;
  const total = Math.floor(durationMs / periodMs);
  const operations: Promise<Operation>[] = [];
  for (let i = 0; i < total && !signal.aborted; i++) {
    const waitMs = startedMs + i * periodMs - cluster.clock.monotonicMs();
    if (waitMs > 0) await cluster.clock.sleep(waitMs);
    operations.push(sendOne(context, spec, nodePort));
  }
  return Promise.all(operations);
}

async function sendOne(
  { cluster }: WorkloadContext,
  spec: TrafficSpec,
  nodePort: number,
): Promise<Operation> {
  const atMs = cluster.clock.nowMs();
  const beganMs = cluster.clock.monotonicMs();
  const { method, path, headers, body, timeoutMs, keepAlive } = spec;
  const answer = await cluster.requestFromHost({
    nodePort,
    method,
    path,
    headers,
    timeoutMs,
    keepAlive,
    ...(body === undefined ? {} : { body }),
  });
  const tookMs = cluster.clock.monotonicMs() - beganMs;
  const unexpected = answer.outcome === "ok" && !spec.expectStatus.includes(answer.status ?? 0);
  return { client: spec.name, atMs, tookMs, ...answer, ...(unexpected ? { outcome: "failed" } : {}) };
}
