import { runLoadLoop } from "../../machinery/network/load-loop.js";
import { nodePortOf } from "../node-port.js";
import type { Operation } from "../history.js";
import type { TrafficSpec } from "../scenario/types.js";
import type { Workload, WorkloadContext } from "../workload.js";

/** Requests from this machine to a Service's node port. */
export const hostLoad: Workload = {
  async prepare(context, spec) {
    const { namespace, service = "", port } = spec;
    const nodePort = await nodePortOf(context.cluster.client, { namespace, service, port });
    return { run: () => send(context, spec, nodePort), dispose: async () => {} };
  },
};

async function send(context: WorkloadContext, spec: TrafficSpec, nodePort: number): Promise<Operation[]> {
  const { cluster, durationMs, signal, rng } = context;
  const operations: Operation[] = [];
  if (spec.startMs > 0) await cluster.clock.sleep(spec.startMs);
  await runLoadLoop(
    { ...spec, durationMs: Math.min(spec.durationMs ?? durationMs, durationMs - spec.startMs) },
    {
      clock: cluster.clock,
      rng,
      signal,
      sleep: (ms) => cluster.clock.sleep(ms),
      send: async () => void operations.push(await sendOne(context, spec, nodePort)),
    },
  );
  return operations;
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
