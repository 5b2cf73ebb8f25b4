import { expect, test } from "@jest/globals";
import { deployments } from "../machinery/api/apps-v1.js";
import { type Pod, pods } from "../machinery/api/core-v1.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { KubeletCluster } from "./testkit/kubelet-cluster.js";

const REPLICAS = 12;
const STEPS = 40;

const isReady = ({ status, metadata }: Pod): boolean =>
  !metadata.deletionTimestamp &&
  (status.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");

/** Pods deleted with and without grace, nodes crashed and restarted, replicas scaled, all at once and at random. */
async function upheaval(cluster: KubeletCluster, seed: string): Promise<void> {
  const rng = seededRng(seed);
  const down = new Set<string>();
  const list = (): readonly Pod[] => cluster.server.lookup.list(pods, "default");
  for (let step = 0; step < STEPS; step++) {
    const action = rng.int(0, 5);
    const node = `node-${rng.int(1, 3)}`;
    if (action <= 2 && list().length > 0) {
      const at = { namespace: "default", name: rng.pick(list()).metadata.name };
      const gracePeriodSeconds = rng.pick([0, 1, 30]);
      await cluster.settle(cluster.client.delete(pods, at, { gracePeriodSeconds }).catch(() => {}));
    } else if (action === 3 && !down.has(node)) {
      cluster.host.crash(node);
      down.add(node);
    } else if (action === 4 && down.delete(node)) cluster.host.restart(node);
    else if (action === 5) await scale(cluster, rng.int(1, REPLICAS));
    await cluster.scheduler.run(rng.int(0, 1500));
  }
  for (const node of down) cluster.host.restart(node);
  await scale(cluster, REPLICAS);
}

const scale = (cluster: KubeletCluster, replicas: number) =>
  cluster.settle(
    cluster.client.patch(
      deployments,
      { namespace: "default", name: "web" },
      { type: "merge", body: { spec: { replicas } } },
    ),
  );

test.each(["one", "two", "three"])(
  "whatever was deleted, crashed and scaled, the wanted pods become Ready, each with its own address (seed %s)",
  async (seed) => {
    const cluster = await KubeletCluster.start(3);
    const template = {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          { name: "web", image: "nginx", readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } },
        ],
      },
    };
    await cluster.settle(
      cluster.client.create(deployments, {
        metadata: { name: "web", namespace: "default" },
        spec: { replicas: 6, selector: { matchLabels: { app: "web" } }, template },
      }),
    );
    await upheaval(cluster, seed);
    const list = (): readonly Pod[] => cluster.server.lookup.list(pods, "default");
    const known = () => list().map(({ metadata, status }) => `${metadata.uid} ${status.podIP}`);
    const real = () =>
      cluster.host.kubelets.flatMap(({ workers }) =>
        (workers?.list() ?? []).map(({ pod, sandbox }) => `${pod.metadata.uid} ${sandbox?.ip}`),
      );
    const agreed = () => known().sort().join() === real().sort().join();
    // A node that is just coming back has pods that the API still calls Ready.
    await cluster.until(() => list().length === REPLICAS && list().every(isReady) && agreed(), 400_000);

    expect(new Set(list().map(({ status }) => status.podIP)).size).toBe(REPLICAS);
    await cluster.stop();
  },
  60_000,
);
