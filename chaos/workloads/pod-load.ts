import { readBody } from "../../machinery/api/http.js";
import { type Pod, pods } from "../../machinery/api/core-v1.js";
import type { Manifest } from "../../machinery/api/meta-v1.js";
import { resourcePath } from "../../machinery/api/resource.js";
import { isAlreadyExists, isNotFound } from "../../machinery/api/status.js";
import { failureOf, type RestClient } from "../../machinery/client/rest-client.js";
import { CannotRun, ClusterLost } from "../cannot-run.js";
import type { Operation } from "../history.js";
import { isPassing } from "../passing.js";
import type { TrafficSpec } from "../scenario/types.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { TRAFFIC_LABEL } from "./traffic-label.js";

const POLL_MS = 50;
const READY_TIMEOUT_MS = 30_000;
/** The generator ends by itself; this much later it is called lost. */
const OVERTIME_MS = 30_000;
/** What ends a run is tried again while the cluster is still broken. */
const DISPOSE_TRIES = 50;
const DISPOSE_WAIT_MS = 200;

interface PodAt {
  namespace: string;
  name: string;
}

/** A pod with the load generator image; every request is a line of its log. */
export const podLoad: Workload = {
  async prepare(context, spec) {
    const { client } = context.cluster;
    const name = `${spec.name}-${context.rng.suffix(5)}`;
    const at = { namespace: spec.namespace, name };
    const pod = loadPod(name, spec, context.durationMs);
    try {
      await client.create(pods, pod);
    } catch (err) {
      if (!isAlreadyExists(err)) throw err;
      await removeLeftover(context, at);
      await client.create(pods, pod);
    }
    await waitForPhase(context, at, (pod) => pod.status.phase !== "Pending", READY_TIMEOUT_MS);
    return {
      run: async () => {
        // It sends to the end, whatever happens to others: asking all the time would be load of its own.
        await context.cluster.clock.sleep(context.durationMs, context.signal).catch(() => {});
        await waitForPhase(
          context,
          at,
          (pod) => pod.status.phase === "Succeeded" || pod.status.phase === "Failed",
          context.durationMs + OVERTIME_MS,
        );
        return readOperations(context, spec, at);
      },
      dispose: () => remove(context, at),
    };
  },
};

/** The same seed gives the same name: a run that was killed may have left its pod. */
async function removeLeftover(context: WorkloadContext, at: PodAt): Promise<void> {
  const { client, clock } = context.cluster;
  await remove(context, at);
  const untilMs = clock.monotonicMs() + READY_TIMEOUT_MS;
  while (await getIfThere(client, at)) {
    if (clock.monotonicMs() > untilMs) throw new CannotRun(`pod ${at.name} of an earlier run does not go`);
    await clock.sleep(POLL_MS, context.signal);
  }
}

async function getIfThere(client: RestClient, at: PodAt): Promise<Pod | undefined> {
  try {
    return await client.get(pods, at);
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

/** Idempotent. An API server that is away is waited for, a little. */
async function remove({ cluster, signal }: WorkloadContext, at: PodAt): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await cluster.client.delete(pods, at, { gracePeriodSeconds: 0 });
      return;
    } catch (err) {
      if (isNotFound(err) || signal.reason instanceof ClusterLost) return;
      if (!isPassing(err) || tries === DISPOSE_TRIES) throw err;
      await cluster.clock.sleep(DISPOSE_WAIT_MS);
    }
  }
}

const loadPod = (name: string, spec: TrafficSpec, durationMs: number): Manifest<Pod> => ({
  metadata: { name, namespace: spec.namespace, labels: { [TRAFFIC_LABEL]: spec.name } },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    ...(spec.node === undefined ? {} : { nodeName: spec.node }),
    containers: [{ name: "load", image: "kubesim.dev/load", args: loadArguments(spec, durationMs) }],
  },
});

const loadArguments = (spec: TrafficSpec, durationMs: number): string[] => [
  `--url=${spec.url}`,
  `--per-second=${spec.perSecond}`,
  `--start-ms=${spec.startMs}`,
  `--duration-ms=${Math.min(spec.durationMs ?? durationMs, durationMs - spec.startMs)}`,
  `--timeout-ms=${spec.timeoutMs}`,
  `--clients=${spec.clients}`,
  `--loop=${spec.loop}`,
  `--think-min-ms=${spec.thinkMs.min}`,
  `--think-max-ms=${spec.thinkMs.max}`,
  `--ramp-ms=${spec.rampMs}`,
  `--method=${spec.method}`,
  `--expect=${spec.expectStatus.join(",")}`,
  ...Object.entries(spec.headers).map(([header, value]) => `--header=${header}: ${value}`),
  ...(spec.body === undefined ? [] : [`--body=${spec.body}`]),
  ...(spec.keepAlive ? ["--keep-alive"] : []),
];

/** Also ends when the traffic is stopped. An API server that is away for a while is waited for. */
async function waitForPhase(
  { cluster, signal }: WorkloadContext,
  at: PodAt,
  reached: (pod: Pod) => boolean,
  limitMs: number,
): Promise<void> {
  const untilMs = cluster.clock.monotonicMs() + limitMs;
  while (!signal.aborted) {
    const pod = await getIfAnswering(cluster.client, at);
    if (pod && reached(pod)) return;
    if (cluster.clock.monotonicMs() > untilMs) {
      throw new CannotRun(
        `traffic pod ${at.name} is still ${pod?.status.phase ?? "away"} after ${limitMs / 1000} s: did a fault hit its node? traffic[].node says where it runs`,
      );
    }
    await cluster.clock.sleep(POLL_MS);
  }
}

async function getIfAnswering(client: RestClient, at: PodAt): Promise<Pod | undefined> {
  try {
    return await client.get(pods, at);
  } catch (err) {
    if (isPassing(err)) return undefined;
    if (isNotFound(err))
      throw new CannotRun(`traffic pod ${at.name} is gone: a fault hit it, and its requests with it`);
    throw err;
  }
}

async function readOperations(context: WorkloadContext, spec: TrafficSpec, at: PodAt): Promise<Operation[]> {
  const text = await readLog(context, at);
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => ({ client: spec.name, ...(JSON.parse(line) as Omit<Operation, "client">) }));
}

/** The whole log; an API server or a kubelet that is away is waited for. */
async function readLog({ cluster, signal }: WorkloadContext, at: PodAt): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      const path = resourcePath(pods, { ...at, subresource: "log" });
      const response = await cluster.client.request({ method: "GET", path });
      if (response.status !== 200) throw await failureOf(response);
      return Buffer.from(await readBody(response.body)).toString("utf8");
    } catch (err) {
      if (!isPassing(err) || signal.reason instanceof ClusterLost) throw err;
      if (tries === DISPOSE_TRIES) throw new CannotRun(`the log of traffic pod ${at.name} cannot be read`);
      await cluster.clock.sleep(DISPOSE_WAIT_MS);
    }
  }
}
