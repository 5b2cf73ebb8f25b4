import { expect, test } from "@jest/globals";
import { type Deployment, deployments, replicaSets } from "../../machinery/api/apps-v1.js";
import { endpoints, events, pods, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import type { Manifest } from "../../machinery/api/meta-v1.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const NAMESPACE = "default";
const aDeployment = (replicas: number, image = "nginx:1"): Manifest<Deployment> => ({
  metadata: { name: "web", namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image, ports: [{ containerPort: 80, name: "http" }] }] },
    },
  },
});

async function readyPods({ client }: ControlPlane): Promise<string[]> {
  const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: "app=web" });
  return items
    .filter(({ status, metadata }) => status.podIP && !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name);
}

test("a Deployment brings its pods up through a ReplicaSet and the scheduler, and its Service follows", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, aDeployment(3)));
    await settle(
      client.create(services, {
        metadata: { name: "web", namespace: NAMESPACE },
        spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
      }),
    );
    await eventually(async () => (await readyPods(cluster)).length === 3, "three ready pods");
    await eventually(async () => {
      const { items } = await client.list(endpointSlices, { namespace: NAMESPACE });
      return items.some(
        ({ metadata, endpoints: list }) =>
          metadata.name.startsWith("web-") && list.filter((one) => one.conditions?.ready).length === 3,
      );
    }, "a slice with three ready endpoints");
    const legacy = await settle(client.get(endpoints, { namespace: NAMESPACE, name: "web" }));
    expect(legacy.subsets?.[0]?.addresses).toHaveLength(3);
    await eventually(async () => {
      const { status } = await client.get(deployments, { namespace: NAMESPACE, name: "web" });
      return status.conditions?.some(({ reason }) => reason === "NewReplicaSetAvailable") === true;
    }, "the rollout to be complete");
    const { items } = await settle(client.list(events, { namespace: NAMESPACE }));
    const messages = items.map(({ message }) => message);
    const [replicaSet] = (await settle(client.list(replicaSets, { namespace: NAMESPACE }))).items;
    expect(messages).toContain(`Scaled up replica set ${replicaSet?.metadata.name} from 0 to 3`);
    expect(messages.filter((message) => message?.startsWith("Created pod: web-"))).toHaveLength(3);
    expect(
      messages.filter((message) => /^Successfully assigned default\/web-.* to node-/.test(message ?? "")),
    ).toHaveLength(3);
  });
});

test("a ReplicaSet replaces a pod that is deleted", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, aDeployment(2)));
    await eventually(async () => (await readyPods(cluster)).length === 2, "two ready pods");
    const [victim = ""] = await settle(readyPods(cluster));
    await settle(client.delete(pods, { namespace: NAMESPACE, name: victim }));
    await eventually(async () => {
      const names = await readyPods(cluster);
      return names.length === 2 && !names.includes(victim);
    }, "a replacement");
  });
});

test("a rolling update never has fewer available pods than maxUnavailable allows, and leaves the old ReplicaSet empty", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, aDeployment(4)));
    await eventually(async () => (await readyPods(cluster)).length === 4, "four ready pods");
    const web = await settle(client.get(deployments, { namespace: NAMESPACE, name: "web" }));
    const [container] = web.spec.template.spec.containers;
    if (container) container.image = "nginx:2";
    await settle(client.update(deployments, web));
    let fewest = 4;
    await eventually(async () => {
      fewest = Math.min(fewest, (await readyPods(cluster)).length);
      const { status, metadata } = await client.get(deployments, { namespace: NAMESPACE, name: "web" });
      return (
        status.updatedReplicas === 4 &&
        status.replicas === 4 &&
        status.availableReplicas === 4 &&
        metadata.annotations?.["deployment.kubernetes.io/revision"] === "2"
      );
    }, "the new revision to be complete");
    expect(fewest).toBeGreaterThanOrEqual(3);
    const { items } = await settle(client.list(replicaSets, { namespace: NAMESPACE }));
    expect(items.map(({ spec }) => spec.replicas).sort((a, b) => a - b)).toEqual([0, 4]);
  });
});
