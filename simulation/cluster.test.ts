import { expect, test } from "@jest/globals";
import { type Deployment, deployments } from "../machinery/api/apps-v1.js";
import { type Node, nodes, type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import type { Manifest } from "../machinery/api/meta-v1.js";
import { SimulatedCluster } from "./cluster.js";
import { Recording } from "./recording.js";

const web: Manifest<Deployment> = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }],
      },
    },
  },
};
const webService: Manifest<Service> = {
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};
const caller = (clusterIP: string): Manifest<Pod> => ({
  metadata: { name: "caller", namespace: "default" },
  spec: {
    restartPolicy: "Never",
    containers: [
      {
        name: "load",
        image: "kubesim.dev/load",
        args: [`--url=http://${clusterIP}`, "--per-second=20", "--duration-ms=10000"],
      },
    ],
  },
});

async function readyPods(cluster: SimulatedCluster): Promise<Pod[]> {
  const { items } = await cluster.client.list(pods, { namespace: "default", labelSelector: "app=web" });
  return items.filter(
    ({ metadata, status }) =>
      !metadata.deletionTimestamp &&
      status.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
  );
}

/** A Deployment behind a Service loses a Pod while another Pod calls it. */
async function story(seed: number): Promise<string[]> {
  const cluster = await SimulatedCluster.start({ seed });
  const recording = new Recording(cluster);
  await cluster.settle(cluster.client.create(deployments, web));
  const { spec } = await cluster.settle(cluster.client.create(services, webService));
  await cluster.until(async () => (await readyPods(cluster)).length === 3);
  await cluster.settle(cluster.client.create(pods, caller(spec.clusterIP ?? "")));
  await cluster.run(3000);
  const [victim] = await cluster.settle(readyPods(cluster));
  await cluster.settle(
    cluster.client.delete(pods, { namespace: "default", name: victim?.metadata.name ?? "" }),
  );
  await cluster.run(12_000);
  await cluster.stop();
  return recording.lines();
}

test("two runs from one seed have the same history byte for byte, and another seed has another", async () => {
  const first = await story(1);
  const again = await story(1);
  const other = await story(2);

  expect(first.length).toBeGreaterThan(100);
  expect(first.filter((line) => line.includes('"servicePort":"default/web"')).length).toBeGreaterThan(100);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
}, 60_000);

test("five minutes of node failure and eviction pass in under a second", async () => {
  const cluster = await SimulatedCluster.start({ seed: 3 });
  await cluster.settle(cluster.client.create(deployments, web));
  await cluster.until(async () => (await readyPods(cluster)).length === 3);
  const [lost] = await cluster.settle(readyPods(cluster));
  const node = lost?.spec.nodeName ?? "";
  const startedAtMs = cluster.clock.monotonicMs();
  const startedCpu = process.cpuUsage();

  cluster.kubelets.crash(node);
  const isReady = async (): Promise<boolean> => {
    const found: Node = await cluster.client.get(nodes, { name: node });
    return found.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
  };
  await cluster.until(async () => !(await isReady()), 120_000, "the node being seen as lost");
  await cluster.run(300_000);
  await cluster.until(
    async () => (await readyPods(cluster)).filter(({ spec }) => spec.nodeName !== node).length === 3,
    120_000,
    "three ready pods elsewhere",
  );

  expect(cluster.clock.monotonicMs() - startedAtMs).toBeGreaterThan(300_000);
  // Processor time: what else the machine does at the moment is no property of the simulation.
  const { user, system } = process.cpuUsage(startedCpu);
  expect((user + system) / 1000).toBeLessThan(1000);
  await cluster.stop();
}, 60_000);
