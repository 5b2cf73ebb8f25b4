import { join } from "node:path";
import { type Deployment, deployments } from "../../machinery/api/apps-v1.js";
import { pods } from "../../machinery/api/core-v1.js";
import { loadPki } from "../../machinery/runtime/pki.js";
import { BenchCluster } from "../harness/bench-cluster.js";
import type { BenchContext, Benchmark, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { rateOf } from "../harness/rate.js";
import { median } from "../harness/statistics.js";
import { podJson } from "./bodies.js";

const AIM_MS: Readonly<Record<number, number>> = { 100: 2000, 1000: 6000 };
const PODS_PER_NODE = 100;
const NAME = "scale-up";
const AT = { namespace: "default", name: NAME };
const FLOOR_CLIENTS = 32;

/** A Deployment goes from none to many pods, until it says that all of them are ready. */
export const scaleUp: Benchmark = {
  name: "scale-up",
  title: "Scale-up to Ready",
  limitMs: { quick: 40_000, full: 200_000 },
  async run(context) {
    const { quick } = context;
    const sizes = quick ? [100] : [100, 1000, 5000];
    const nodes = Math.max(3, Math.ceil(Math.max(...sizes) / PODS_PER_NODE) + 1);
    context.progress(`starting ${nodes} nodes`);
    const cluster = await BenchCluster.start(context, { nodes });
    await cluster.client.create(deployments, { metadata: AT, spec: template() });
    const measures: Measure[] = [];
    for (const size of sizes) {
      const rounds = quick || size >= 5000 ? 1 : 3;
      measures.push(...(await measureSize(context, cluster, size, rounds)));
    }
    return measures;
  },
};

async function measureSize(
  context: BenchContext,
  cluster: BenchCluster,
  size: number,
  rounds: number,
): Promise<Measure[]> {
  const tookMs: number[] = [];
  const floorMs: number[] = [];
  let writesPerPod = 0;
  for (let round = 0; round < rounds; round++) {
    context.progress(`${size} pods, round ${round + 1} of ${rounds}`);
    const before = await revision(cluster);
    tookMs.push(await scaleTo(context, cluster, size));
    writesPerPod = ((await revision(cluster)) - before) / size;
    await empty(cluster);
    floorMs.push((size * writesPerPod * 1000) / (await bareWriteRate(context, cluster)));
  }
  const aimMs = AIM_MS[size];
  const floors = [{ name: `its ${writesPerPod.toFixed(1)} writes a pod, bare HTTPS`, values: floorMs }];
  return [
    {
      name: `${size} pods Ready`,
      unit: "ms",
      values: tookMs,
      floors,
      ...(aimMs === undefined
        ? {}
        : { aim: { text: `under ${aimMs / 1000} s`, met: median(tookMs) < aimMs } }),
    },
    { name: `pods to Ready, of ${size}`, unit: "/s", values: tookMs.map((ms) => (size / ms) * 1000) },
  ];
}

const template = (): Deployment["spec"] =>
  ({
    replicas: 0,
    selector: { matchLabels: { app: NAME } },
    template: {
      metadata: { labels: { app: NAME } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "pause", image: "registry.k8s.io/pause:3.10" }],
      },
    },
  }) as unknown as Deployment["spec"];

const scale = (cluster: BenchCluster, replicas: number): Promise<Deployment> =>
  cluster.client.patch(deployments, AT, { type: "merge", body: { spec: { replicas } } });

/** Milliseconds from the request that scales until the Deployment's status counts every pod as ready. */
async function scaleTo({ signal }: BenchContext, cluster: BenchCluster, size: number): Promise<number> {
  const { metadata } = await cluster.client.get(deployments, AT);
  const ended = new AbortController();
  const watch = cluster.client.watch(deployments, {
    namespace: AT.namespace,
    fieldSelector: `metadata.name=${NAME}`,
    resourceVersion: metadata.resourceVersion,
    signal: AbortSignal.any([signal, ended.signal]),
  });
  const startedMs = performance.now();
  const ready = (async () => {
    for await (const { object } of watch)
      if (object.spec.replicas === size && object.status?.readyReplicas === size) return performance.now();
    throw new Error("the watch of the Deployment ended early");
  })();
  await scale(cluster, size);
  const endedMs = await Promise.race([ready, cluster.product.failure]);
  ended.abort();
  return endedMs - startedMs;
}

async function empty(cluster: BenchCluster): Promise<void> {
  await scale(cluster, 0);
  await cluster.until(async () => {
    const { items, metadata } = await cluster.client.list(pods, {
      namespace: AT.namespace,
      labelSelector: `app=${NAME}`,
      limit: 1,
    });
    return items.length === 0 && !metadata.continue ? true : undefined;
  }, 100);
}

async function revision(cluster: BenchCluster): Promise<number> {
  const storage = await cluster.admin<{ revision: number }>("apiserver", "/storage");
  if (!storage) throw new Error("the API server does not tell its revision");
  return storage.revision;
}

/** Durable writes a second of a bare HTTPS handler, on the machine as it is now. */
async function bareWriteRate({ scope, quick }: BenchContext, cluster: BenchCluster): Promise<number> {
  const { server, ca, kubeletClient } = loadPki(cluster.dir.pki);
  const file = join(cluster.dir.path, `floor-${performance.now()}.db`);
  const { port } = await startServer(scope, "https", { tls: server, file });
  const tls = { ca, ...kubeletClient };
  const result = await runJob(scope, "requests", {
    target: { host: "127.0.0.1", port, tls },
    request: { method: "POST", path: "/", body: podJson("floor-{n}") },
    clients: FLOOR_CLIENTS,
    warmUpMs: 300,
    durationMs: quick ? 600 : 1500,
  });
  return rateOf(result);
}
