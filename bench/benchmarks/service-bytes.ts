import { configMaps, pods, services } from "../../machinery/api/core-v1.js";
import { startHaproxy } from "../floors/haproxy.js";
import type { BenchCluster } from "../harness/bench-cluster.js";
import type { BenchContext, Measure } from "../harness/benchmark.js";
import { runJob, startServer } from "../harness/jobs.js";
import { interleave, median } from "../harness/statistics.js";
import { local, pageAt } from "../harness/targets.js";
import { virtualTargets } from "../harness/virtual-targets.js";
import type { Target } from "../jobs/raw-client.js";

/** What fits into a ConfigMap. */
const BYTES = 1_000_000;
const NODE_PORT = 30_090;
const NAME = "bulk";
const AIM_SHARE = 0.5;

/** Large answers, one after another over one connection. */
export async function measureBytes(context: BenchContext, cluster: BenchCluster): Promise<Measure[]> {
  const { quick, scope, signal } = context;
  const body = "x".repeat(BYTES);
  await createBulk(cluster, body);
  const nodePort = cluster.nodePort(await cluster.until(() => cluster.file), NODE_PORT);
  const path = "/bulk.txt";
  await cluster.until(() => pageAt(nodePort, path));
  const { clusterIp, pod } = await virtualTargets(cluster, NAME);
  const direct = await startServer(scope, "http", { body });
  const relay = await startServer(scope, "relay", { upstreamPort: direct.port });
  const haproxy = await startHaproxy(scope, direct.port, signal, "tcp");
  const rate = (target: Target) => async (): Promise<number> => {
    const { ms, bytes } = await runJob(scope, "fetches", { target, path, count: quick ? 60 : 300 });
    return (bytes * ms.length) / ms.reduce((sum, each) => sum + each, 0) / 1000;
  };
  const samples = await interleave<string>(
    [
      { name: "NodePort", run: rate(nodePort) },
      { name: "ClusterIP", run: rate(clusterIp) },
      { name: "bare TCP relay to a bare server", run: rate(local(relay)) },
      { name: "the pod itself, no data plane", run: rate(pod) },
      { name: "bare server, direct", run: rate(local(direct)) },
      ...(haproxy ? [{ name: "HAProxy (TCP) to a bare server", run: rate(local(haproxy)) }] : []),
    ],
    quick ? 1 : 3,
    signal,
  );
  const { NodePort = [], ClusterIP = [], ...others } = samples;
  const floors = Object.entries(others).map(([name, values]) => ({ name, values }));
  return Object.entries({ NodePort, ClusterIP }).map(([way, values]) => {
    const share = median(values) / median(floors[0]?.values ?? []);
    return {
      name: `${way}, bytes of large answers`,
      unit: "MB/s",
      values,
      floors,
      aim: { text: "at least half of the relay", met: share >= AIM_SHARE },
    };
  });
}

async function createBulk({ client }: BenchCluster, body: string): Promise<void> {
  const metadata = { name: NAME, namespace: "default", labels: { app: NAME } };
  await client.create(configMaps, { metadata, data: { "bulk.txt": body } });
  await client.create(pods, {
    metadata,
    spec: {
      containers: [
        {
          name: "web",
          image: "nginx",
          ports: [{ containerPort: 80 }],
          volumeMounts: [{ name: "page", mountPath: "/usr/share/nginx/html" }],
        },
      ],
      volumes: [{ name: "page", configMap: { name: NAME } }],
    },
  });
  await client.create(services, {
    metadata,
    spec: {
      type: "NodePort",
      selector: { app: NAME },
      ports: [{ port: 80, targetPort: 80, nodePort: NODE_PORT }],
    },
  });
}
