import { deployments } from "../../machinery/api/apps-v1.js";
import { pods, services } from "../../machinery/api/core-v1.js";
import { SimulatedCluster } from "../../simulation/cluster.js";

const PODS_PER_DEPLOYMENT = 100;
const READY_POLL_MS = 2000;
const READY_LIMIT_MS = 600_000;
const CLUSTER_IP = "10.96.7.7";

export interface SimulatedOptions {
  nodes: number;
  pods: number;
  simulatedMs: number;
  /** Of one client pod to a Service over all pods, in the second half. */
  requestsPerSecond: number;
}

/** Simulated seconds that pass in one real second, and in one of processor time. */
export interface Pace {
  perSecond: number;
  perCpuSecond: number;
}

/** A cluster that runs undisturbed: first without requests, then with them. */
export async function run(options: SimulatedOptions): Promise<{ idle: Pace; busy: Pace }> {
  const cluster = await SimulatedCluster.start({ seed: 1, nodes: options.nodes });
  await deploy(cluster, options.pods);
  const idle = await paceOf(cluster, options.simulatedMs);
  await call(cluster, options);
  const busy = await paceOf(cluster, options.simulatedMs);
  await cluster.stop();
  return { idle, busy };
}

async function paceOf(cluster: SimulatedCluster, simulatedMs: number): Promise<Pace> {
  const beganMs = performance.now();
  const before = process.cpuUsage();
  await cluster.run(simulatedMs);
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: simulatedMs / (performance.now() - beganMs),
    perCpuSecond: simulatedMs / ((user + system) / 1000),
  };
}

/** Pods with a readiness probe every ten seconds, all of them ready. */
async function deploy(cluster: SimulatedCluster, count: number): Promise<void> {
  const names = Array.from({ length: Math.ceil(count / PODS_PER_DEPLOYMENT) }, (_, i) => `web-${i + 1}`);
  const replicas = Math.min(PODS_PER_DEPLOYMENT, count);
  await cluster.settle(
    Promise.all(names.map((name) => cluster.client.create(deployments, deployment(name, replicas)))),
  );
  const untilMs = cluster.clock.monotonicMs() + READY_LIMIT_MS;
  for (;;) {
    await cluster.run(READY_POLL_MS);
    const { items } = await cluster.settle(cluster.client.list(deployments, { namespace: "default" }));
    if (items.every(({ status }) => status.availableReplicas === replicas)) return;
    if (cluster.clock.monotonicMs() > untilMs) throw new Error(`${count} pods did not get ready`);
  }
}

const deployment = (name: string, replicas: number) => ({
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { name } },
    template: {
      metadata: { labels: { name, app: "web" } },
      spec: {
        containers: [
          {
            name: "nginx",
            image: "nginx",
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 }, periodSeconds: 10 },
          },
        ],
      },
    },
  },
});

async function call(
  cluster: SimulatedCluster,
  { requestsPerSecond, simulatedMs }: SimulatedOptions,
): Promise<void> {
  await cluster.settle(
    cluster.client.create(services, {
      metadata: { name: "web", namespace: "default" },
      spec: { clusterIP: CLUSTER_IP, selector: { app: "web" }, ports: [{ port: 80 }] },
    }),
  );
  await cluster.settle(
    cluster.client.create(pods, {
      metadata: { name: "caller", namespace: "default" },
      spec: {
        restartPolicy: "Never",
        containers: [
          {
            name: "load",
            image: "kubesim.dev/load",
            args: [
              `--url=http://${CLUSTER_IP}`,
              `--per-second=${requestsPerSecond}`,
              `--duration-ms=${simulatedMs + 10_000}`,
            ],
          },
        ],
      },
    }),
  );
  await cluster.run(READY_POLL_MS);
}
