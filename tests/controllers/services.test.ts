import { expect, test } from "@jest/globals";
import { type Deployment, deployments } from "../../machinery/api/apps-v1.js";
import { endpoints, type Pod, pods, services } from "../../machinery/api/core-v1.js";
import { type Endpoint, endpointSlices } from "../../machinery/api/discovery-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const NAMESPACE = "default";
const web = (replicas: number, spec: Partial<Deployment["spec"]> = {}) => ({
  metadata: { name: "web", namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx:1" }] },
    },
    ...spec,
  },
});
const service = (selector: Record<string, string>) => ({
  metadata: { name: "web", namespace: NAMESPACE },
  spec: { selector, ports: [{ port: 80 }] },
});
const at = { namespace: NAMESPACE, name: "web" };

const podsOf = async ({ client }: ControlPlane): Promise<Pod[]> =>
  (await client.list(pods, { namespace: NAMESPACE })).items;
const running = async (cluster: ControlPlane): Promise<Pod[]> =>
  (await podsOf(cluster)).filter(({ status, metadata }) => status.podIP && !metadata.deletionTimestamp);
async function endpointsOf({ client }: ControlPlane): Promise<Endpoint[]> {
  const labelSelector = "kubernetes.io/service-name=web";
  const { items } = await client.list(endpointSlices, { namespace: NAMESPACE, labelSelector });
  return items.flatMap((slice) => slice.endpoints);
}
const readyIps = async (cluster: ControlPlane): Promise<string[]> =>
  (await endpointsOf(cluster))
    .filter(({ conditions }) => conditions?.ready)
    .map(({ addresses }) => addresses[0] ?? "")
    .sort();

test("a pod whose label is taken off leaves the Service and its ReplicaSet, and comes back with the label", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(services, service({ app: "web" })));
    await settle(client.create(deployments, web(2)));
    await eventually(async () => (await readyIps(cluster)).length === 2);
    const [pod] = await settle(running(cluster));
    if (!pod) throw new Error("no pod");
    const relabel = (app: string | null) => {
      const patch = { type: "merge", body: { metadata: { labels: { app } } } } as const;
      return settle(client.patch(pods, pod.metadata, patch));
    };
    await relabel(null);
    await eventually(async () => {
      const ips = await readyIps(cluster);
      return ips.length === 2 && !ips.includes(pod.status.podIP ?? "");
    }, "a replacement in the Service");
    const released = await settle(client.get(pods, pod.metadata));
    expect(released.metadata.ownerReferences ?? []).toEqual([]);
    await relabel("web");
    await eventually(async () => (await running(cluster)).length === 2, "two pods again");
    const ips = (await settle(running(cluster))).map(({ status }) => status.podIP ?? "").sort();
    await eventually(async () => JSON.stringify(await readyIps(cluster)) === JSON.stringify(ips));
  });
});

test("changing a Service's selector changes its endpoints, and deleting it deletes them", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(services, service({ app: "web" })));
    await settle(client.create(deployments, web(2)));
    await eventually(async () => (await readyIps(cluster)).length === 2);
    const patch = { type: "merge", body: { spec: { selector: { app: "other" } } } } as const;
    await settle(client.patch(services, at, patch));
    await eventually(async () => (await endpointsOf(cluster)).length === 0, "no endpoints");
    await settle(client.delete(services, at));
    await eventually(() => client.get(endpoints, at).then(() => false, isNotFound), "Endpoints to be gone");
    await eventually(async () => {
      const labelSelector = "kubernetes.io/service-name=web";
      return (await client.list(endpointSlices, { namespace: NAMESPACE, labelSelector })).items.length === 0;
    }, "slices to be collected");
  });
});

test("a pod on its way out is still serving but no longer ready", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually, kubelet } = cluster;
    await settle(client.create(services, service({ app: "web" })));
    await settle(client.create(deployments, web(1)));
    await eventually(async () => (await readyIps(cluster)).length === 1);
    const [pod] = await settle(running(cluster));
    if (!pod) throw new Error("no pod");
    kubelet.dead.add(pod.spec.nodeName ?? "");
    await settle(client.delete(pods, pod.metadata));
    await eventually(async () => {
      const leaving = (await endpointsOf(cluster)).find(
        ({ targetRef }) => targetRef?.uid === pod.metadata.uid,
      );
      return JSON.stringify(leaving?.conditions) === '{"ready":false,"serving":true,"terminating":true}';
    }, "the terminating endpoint");
  });
});

test("strategy Recreate never runs old and new pods at the same time", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, web(3, { strategy: { type: "Recreate" } })));
    await eventually(async () => (await running(cluster)).length === 3);
    const current = await settle(client.get(deployments, at));
    const [container] = current.spec.template.spec.containers;
    if (container) container.image = "nginx:2";
    await settle(client.update(deployments, current));
    let mixed = false;
    await eventually(async () => {
      const images = new Set((await podsOf(cluster)).map(({ spec }) => spec.containers[0]?.image));
      mixed ||= images.size > 1;
      const { status } = await client.get(deployments, at);
      return status.updatedReplicas === 3 && status.availableReplicas === 3 && images.has("nginx:2");
    }, "the new pods");
    expect(mixed).toBe(false);
  });
});

test("a rollout that makes no progress says so when its deadline has passed, and takes old pods only as far as it may", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually, kubelet, clock } = cluster;
    await settle(client.create(deployments, web(4, { progressDeadlineSeconds: 60 })));
    await eventually(async () => (await running(cluster)).length === 4);
    await eventually(async () => (await client.get(deployments, at)).status.availableReplicas === 4);
    kubelet.startsReady = ({ spec }) => spec.containers[0]?.image !== "broken:1";
    const current = await settle(client.get(deployments, at));
    const [container] = current.spec.template.spec.containers;
    if (container) container.image = "broken:1";
    await settle(client.update(deployments, current));
    const startedMs = clock.monotonicMs();
    const progressing = async () =>
      (await client.get(deployments, at)).status.conditions?.find(({ type }) => type === "Progressing");
    await eventually(
      async () => (await progressing())?.reason === "ProgressDeadlineExceeded",
      "the deadline",
      200_000,
    );
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(60_000);
    expect((await settle(progressing()))?.message).toMatch(
      /^ReplicaSet "web-.*" has timed out progressing\.$/,
    );
    expect(await settle(running(cluster))).toHaveLength(3);
    const { status } = await settle(client.get(deployments, at));
    expect(status).toMatchObject({ availableReplicas: 3, unavailableReplicas: 2, updatedReplicas: 2 });
  });
});
