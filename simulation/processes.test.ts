import { expect, test } from "@jest/globals";
import { type Deployment, deployments } from "../machinery/api/apps-v1.js";
import { configMaps, nodes, pods, services } from "../machinery/api/core-v1.js";
import type { Manifest } from "../machinery/api/meta-v1.js";
import { SimulatedCluster } from "./cluster.js";

const web: Manifest<Deployment> = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }] },
    },
  },
};

async function available(cluster: SimulatedCluster): Promise<boolean> {
  const found = await cluster.client.get(deployments, { namespace: "default", name: "web" });
  return found.status.availableReplicas === 2 && found.status.replicas === 2;
}

/** A Deployment behind a ClusterIP. */
async function aCluster(seed: number): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({ seed, nodes: 2 });
  await cluster.settle(cluster.client.create(deployments, web));
  await cluster.settle(
    cluster.client.create(services, {
      metadata: { name: "web", namespace: "default" },
      spec: { clusterIP: "10.96.7.7", selector: { app: "web" }, ports: [{ port: 80 }] },
    }),
  );
  await cluster.until(() => available(cluster));
  await cluster.run(500);
  return cluster;
}

/** What one request from node-1 to the Service comes to. */
async function request(cluster: SimulatedCluster): Promise<string> {
  const from = { ip: "172.18.0.3", port: 40_000 };
  try {
    const { connection } = await cluster.settle(
      cluster.dataPlane.open({ protocol: "TCP", from, to: { ip: "10.96.7.7", port: 80 } }),
    );
    connection.reset();
    return "open";
  } catch (err) {
    return String(err);
  }
}

async function ready(cluster: SimulatedCluster, node: string): Promise<boolean> {
  const found = await cluster.client.get(nodes, { name: node });
  return found.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
}

test("an API server that is killed comes back with every write that it acknowledged", async () => {
  const cluster = await aCluster(1);
  const acknowledged: string[] = [];
  const failures: unknown[] = [];
  const writes = Array.from({ length: 60 }, async (_, i) => {
    await cluster.clock.sleep(i);
    const name = `write-${i}`;
    try {
      await cluster.client.create(configMaps, { metadata: { name, namespace: "default" } });
      acknowledged.push(name);
    } catch (err) {
      failures.push(err);
    }
  });
  cluster.clock.setTimer(30, () => cluster.processes.of("apiserver").kill());
  await cluster.settle(Promise.all(writes));

  await cluster.until(() => cluster.processes.of("apiserver").isReady);

  const { items } = await cluster.settle(cluster.client.list(configMaps, { namespace: "default" }));
  const names = new Set(items.map(({ metadata }) => metadata.name));
  expect(failures.length).toBeGreaterThan(0);
  expect(acknowledged.length).toBeGreaterThan(10);
  expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  await cluster.stop();
}, 30_000);

test("watches go on after the API server was killed: a pod that is deleted then is replaced", async () => {
  const cluster = await aCluster(2);
  await cluster.processes.kill("apiserver");
  await cluster.until(() => cluster.processes.of("apiserver").isReady);
  const { items } = await cluster.settle(cluster.client.list(pods, { namespace: "default" }));
  const victim = items[0]?.metadata.name ?? "";

  await cluster.settle(cluster.client.delete(pods, { namespace: "default", name: victim }));

  await cluster.until(async () => {
    const left = await cluster.client.list(pods, { namespace: "default" });
    return !left.items.some(({ metadata }) => metadata.name === victim) && (await available(cluster));
  }, 120_000);
  await cluster.stop();
}, 30_000);

test("a proxy that is killed leaves tables standing", async () => {
  const cluster = await aCluster(3);
  await cluster.processes.stop("proxy");
  await cluster.run(5000);

  expect(await request(cluster)).toBe("open");
  expect(cluster.processes.of("proxy").isRunning).toBe(false);
  await cluster.stop();
}, 30_000);

test("a data plane that is killed starts with empty tables, and the proxy fills them again", async () => {
  const cluster = await aCluster(4);
  await cluster.processes.kill("dataplane");
  await cluster.until(() => cluster.processes.of("dataplane").isRunning);
  expect(await request(cluster)).not.toBe("open");

  await cluster.run(2000);

  expect(await request(cluster)).toBe("open");
  await cluster.stop();
}, 30_000);

test("nodes whose kubelets stand still are NotReady, and Ready again when they go on", async () => {
  const cluster = await aCluster(5);
  await cluster.processes.pause("kubelet");
  await cluster.until(async () => !(await ready(cluster, "node-1")), 120_000, "NotReady");

  await cluster.processes.resume("kubelet");

  await cluster.until(() => ready(cluster, "node-1"), 60_000, "Ready");
  expect(cluster.processes.of("kubelet").restarts).toBe(0);
  await cluster.stop();
}, 30_000);

test("pods run again after the kubelet process was killed", async () => {
  const cluster = await aCluster(6);
  await cluster.processes.kill("kubelet");
  await cluster.until(() => cluster.processes.of("kubelet").isReady);

  await cluster.until(async () => (await available(cluster)) && (await request(cluster)) === "open", 120_000);
  await cluster.stop();
}, 30_000);

test("a stand-by takes over when the controllers are gone", async () => {
  const cluster = await aCluster(7);
  await cluster.processes.duplicate("controllers");
  await cluster.run(5000);
  await cluster.processes.stop("controllers");
  await cluster.settle(
    cluster.client.patch(
      deployments,
      { namespace: "default", name: "web" },
      { type: "merge", body: { spec: { replicas: 3 } } },
    ),
  );

  await cluster.until(
    async () => {
      const found = await cluster.client.get(deployments, { namespace: "default", name: "web" });
      return found.status.availableReplicas === 3;
    },
    60_000,
    "the stand-by to scale up",
  );
  await cluster.stop();
}, 30_000);

test.each([
  ["full", true],
  ["relaxed", false],
] as const)(
  "with durability %s, an acknowledged write being there after the machine lost power is %s",
  async (durability, survives) => {
    const cluster = await SimulatedCluster.start({
      seed: 8,
      nodes: 1,
      parts: { disk: (options) => ({ ...options, durability }) },
    });
    await cluster.settle(
      cluster.client.create(configMaps, { metadata: { name: "kept", namespace: "default" } }),
    );

    cluster.world.disk.losePower();
    await cluster.processes.kill("apiserver");
    await cluster.until(() => cluster.processes.of("apiserver").isReady);

    const { items } = await cluster.settle(cluster.client.list(configMaps, { namespace: "default" }));
    expect(items.some(({ metadata }) => metadata.name === "kept")).toBe(survives);
    await cluster.stop();
  },
  30_000,
);
