import { readBody, TransportError } from "../../machinery/api/http.js";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { Manifest } from "../../machinery/api/meta-v1.js";
import { resourcePath } from "../../machinery/api/resource.js";
import { isNotFound, newInternalError } from "../../machinery/api/status.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import type { Operation } from "../history.js";
import type { TrafficSpec } from "../scenario/types.js";
import type { Workload, WorkloadContext } from "../workload.js";

const POLL_MS = 50;
const READY_TIMEOUT_MS = 30_000;
/** The generator ends by itself; this much later it is called lost. */
const OVERTIME_MS = 30_000;

/** A pod with the load generator image; every request is a line of its log. */
export const podLoad: Workload = {
  async prepare(context, spec) {
    const { client } = context.cluster;
    const name = `${spec.name}-${context.rng.suffix(5)}`;
    const at = { namespace: spec.namespace, name };
    await client.create(pods, loadPod(name, spec, context.durationMs));
    await waitForPhase(context, at, (pod) => pod.status.phase !== "Pending", READY_TIMEOUT_MS);
    return {
      run: async () => {
        await waitForPhase(
          context,
          at,
          (pod) => pod.status.phase === "Succeeded" || pod.status.phase === "Failed",
          context.durationMs + OVERTIME_MS,
        );
        return readOperations(context, spec, at);
      },
      dispose: async () => {
        try {
          await client.delete(pods, at, { gracePeriodSeconds: 0 });
        } catch (err) {
          if (!isNotFound(err)) throw err;
        }
      },
    };
  },
};

const loadPod = (name: string, spec: TrafficSpec, durationMs: number): Manifest<Pod> => ({
  metadata: { name, namespace: spec.namespace, labels: { "kubesim.dev/traffic": spec.name } },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: "load",
        image: "kubesim.dev/load",
        args: [
          `--url=${spec.url}`,
          `--per-second=${spec.perSecond}`,
          `--duration-ms=${durationMs}`,
          `--timeout-ms=${spec.timeoutMs}`,
          ...(spec.keepAlive ? ["--keep-alive"] : []),
        ],
      },
    ],
  },
});

/** Also ends when the traffic is stopped. An API server that is away for a while is waited for. */
async function waitForPhase(
  { cluster, signal }: WorkloadContext,
  at: { namespace: string; name: string },
  reached: (pod: Pod) => boolean,
  limitMs: number,
): Promise<void> {
  const untilMs = cluster.clock.monotonicMs() + limitMs;
  while (!signal.aborted) {
    const pod = await getIfAnswering(cluster.client, at);
    if (pod && reached(pod)) return;
    if (cluster.clock.monotonicMs() > untilMs) {
      throw newInternalError(`traffic pod ${at.name} did not get ahead within ${limitMs} ms`);
    }
    await cluster.clock.sleep(POLL_MS);
  }
}

async function getIfAnswering(
  client: RestClient,
  at: { namespace: string; name: string },
): Promise<Pod | undefined> {
  try {
    return await client.get(pods, at);
  } catch (err) {
    if (err instanceof TransportError) return undefined;
    throw err;
  }
}

async function readOperations(
  { cluster }: WorkloadContext,
  spec: TrafficSpec,
  at: { namespace: string; name: string },
): Promise<Operation[]> {
  const response = await cluster.client.request({
    method: "GET",
    path: resourcePath(pods, { ...at, subresource: "log" }),
  });
  const text = Buffer.from(await readBody(response.body)).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => ({ client: spec.name, ...(JSON.parse(line) as Omit<Operation, "client">) }));
}
