import { expect, test } from "@jest/globals";
import { deployments, replicaSets } from "../../machinery/api/apps-v1.js";
import {
  configMaps,
  endpoints,
  events,
  namespaces,
  nodes,
  type Pod,
  pods,
  serviceAccounts,
  services,
} from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const NAMESPACE = "default";
const web = (replicas: number, more: object = {}) => ({
  metadata: { name: "web", namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx" }], ...more },
    },
  },
});
const podsOf = async ({ client }: ControlPlane, namespace = NAMESPACE): Promise<Pod[]> =>
  (await client.list(pods, { namespace, labelSelector: "app=web" })).items;
const readyCount = async (cluster: ControlPlane): Promise<number> =>
  (await podsOf(cluster)).filter(({ status, metadata }) => status.podIP && !metadata.deletionTimestamp)
    .length;
const absent = (get: Promise<unknown>): Promise<boolean> => get.then(() => false, isNotFound);

test("deleting a Deployment deletes its ReplicaSets and pods in the background", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, web(3)));
    await eventually(async () => (await readyCount(cluster)) === 3);
    await settle(client.delete(deployments, { namespace: NAMESPACE, name: "web" }));
    await eventually(async () => (await podsOf(cluster)).length === 0, "no pods");
    expect((await settle(client.list(replicaSets, { namespace: NAMESPACE }))).items).toEqual([]);
  });
});

test("a Deployment deleted in the foreground goes after its pods", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, web(2)));
    await eventually(async () => (await readyCount(cluster)) === 2);
    const at = { namespace: NAMESPACE, name: "web" };
    let podsGoneFirst = false;
    await settle(client.delete(deployments, at, { propagationPolicy: "Foreground" }));
    await eventually(async () => {
      podsGoneFirst ||= (await podsOf(cluster)).length === 0;
      return absent(client.get(deployments, at));
    }, "the Deployment to be gone");
    expect(podsGoneFirst).toBe(true);
  });
});

test("orphaning leaves the ReplicaSet without an owner, and a new Deployment adopts it", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(deployments, web(2)));
    await eventually(async () => (await readyCount(cluster)) === 2);
    const at = { namespace: NAMESPACE, name: "web" };
    await settle(client.delete(deployments, at, { propagationPolicy: "Orphan" }));
    await eventually(() => absent(client.get(deployments, at)));
    const [left] = (await settle(client.list(replicaSets, { namespace: NAMESPACE }))).items;
    expect(left?.metadata.ownerReferences ?? []).toEqual([]);
    expect(await settle(readyCount(cluster))).toBe(2);
    await settle(client.create(deployments, web(2)));
    await eventually(async () => {
      const { items } = await client.list(replicaSets, { namespace: NAMESPACE });
      return items.length === 1 && items[0]?.metadata.ownerReferences?.[0]?.name === "web";
    }, "adoption");
  });
});

test("a pod whose owner never existed is deleted", async () => {
  await withControlPlane(async ({ client, settle, eventually }) => {
    const at = { namespace: NAMESPACE, name: "stray" };
    const owner = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "never",
      uid: "00000000-0000-4000-8000-000000000001",
    };
    await eventually(() =>
      client.get(serviceAccounts, { namespace: NAMESPACE, name: "default" }).then(
        () => true,
        () => false,
      ),
    );
    await settle(client.create(configMaps, { metadata: { ...at, ownerReferences: [owner] }, data: {} }));
    await eventually(() => absent(client.get(configMaps, at)), "the object to be collected");
  });
});

test("a new namespace gets its ServiceAccount and root certificate, and takes everything with it when deleted", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await settle(client.create(namespaces, { metadata: { name: "shop" } }));
    const account = { namespace: "shop", name: "default" };
    await eventually(async () => !(await absent(client.get(serviceAccounts, account))), "the ServiceAccount");
    await eventually(
      async () => !(await absent(client.get(configMaps, { namespace: "shop", name: "kube-root-ca.crt" }))),
    );
    await settle(client.create(deployments, { ...web(2), metadata: { name: "web", namespace: "shop" } }));
    await eventually(async () => (await podsOf(cluster, "shop")).length === 2);
    await settle(client.delete(namespaces, { name: "shop" }));
    await eventually(
      () => absent(client.get(namespaces, { name: "shop" })),
      "the namespace to be gone",
      120_000,
    );
    expect(await settle(podsOf(cluster, "shop"))).toEqual([]);
    const said = (await settle(client.list(events, { namespace: "shop" }))).items;
    expect(said).toEqual([]);
  });
});

test("pods leave a dead node after five minutes and come up elsewhere, and its endpoints stop being ready after 50 seconds", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually, kubelet, clock } = cluster;
    await settle(client.create(deployments, web(3)));
    await settle(
      client.create(services, {
        metadata: { name: "web", namespace: NAMESPACE },
        spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
      }),
    );
    await eventually(async () => (await readyCount(cluster)) === 3);
    const [first] = await settle(podsOf(cluster));
    const node = first?.spec.nodeName ?? "";
    const crashedMs = clock.monotonicMs();
    kubelet.dead.add(node);
    await eventually(
      async () => {
        const ready = (await client.get(nodes, { name: node })).status.conditions?.find(
          ({ type }) => type === "Ready",
        );
        return ready?.status === "Unknown" && ready.message === "Kubelet stopped posting node status.";
      },
      "the node to be NotReady",
      90_000,
    );
    const noticedMs = clock.monotonicMs() - crashedMs;
    expect(noticedMs).toBeGreaterThan(40_000);
    expect(noticedMs).toBeLessThan(66_000);
    await eventually(async () => {
      const { items } = await client.list(endpointSlices, {
        namespace: NAMESPACE,
        labelSelector: "kubernetes.io/service-name=web",
      });
      const onNode = items.flatMap((slice) => slice.endpoints).filter(({ nodeName }) => nodeName === node);
      return onNode.length > 0 && onNode.every(({ conditions }) => conditions?.ready === false);
    }, "its endpoints not to be ready");
    await eventually(
      async () => {
        const all = await podsOf(cluster);
        return (
          all.filter(({ spec, metadata }) => spec.nodeName !== node && !metadata.deletionTimestamp).length ===
          3
        );
      },
      "replacements elsewhere",
      400_000,
    );
    expect(clock.monotonicMs() - crashedMs).toBeGreaterThan(330_000);
    const tainted = await settle(client.get(nodes, { name: node }));
    expect(tainted.spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual([
      "node.kubernetes.io/unreachable:NoExecute",
      "node.kubernetes.io/unreachable:NoSchedule",
    ]);
  });
});

test("a pod that fits nowhere says why, and is scheduled as soon as a node has room", async () => {
  await withControlPlane(
    async ({ client, settle, eventually, kubelet }) => {
      await eventually(() =>
        client.get(serviceAccounts, { namespace: NAMESPACE, name: "default" }).then(
          () => true,
          () => false,
        ),
      );
      const at = { namespace: NAMESPACE, name: "big" };
      const resources = { requests: { cpu: "20" } };
      await settle(
        client.create(pods, {
          metadata: at,
          spec: { containers: [{ name: "c", image: "nginx", resources }] },
        }),
      );
      await eventually(async () => {
        const condition = (await client.get(pods, at)).status.conditions?.find(
          ({ type }) => type === "PodScheduled",
        );
        return (
          condition?.message ===
          "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        );
      }, "the reason");
      await settle(kubelet.register("node-large", {}, "32"));
      await eventually(
        async () => (await client.get(pods, at)).spec.nodeName === "node-large",
        "scheduling",
        15_000,
      );
    },
    { nodes: 2 },
  );
});

test("every node gets a pod CIDR of its own out of 10.244.0.0/16", async () => {
  await withControlPlane(async ({ client, settle, eventually }) => {
    await eventually(
      async () => (await client.list(nodes)).items.every(({ spec }) => spec.podCIDR),
      "pod CIDRs",
    );
    const { items } = await settle(client.list(nodes));
    expect(items.map(({ spec }) => spec.podCIDR ?? "").sort()).toEqual([
      "10.244.0.0/24",
      "10.244.1.0/24",
      "10.244.2.0/24",
    ]);
  });
});

test("Endpoints written by hand for a Service without selector are mirrored to a slice", async () => {
  await withControlPlane(async ({ client, settle, eventually }) => {
    const metadata = { name: "legacy", namespace: NAMESPACE };
    await settle(client.create(services, { metadata, spec: { ports: [{ port: 80 }] } }));
    await settle(
      client.create(endpoints, {
        metadata,
        subsets: [{ addresses: [{ ip: "192.0.2.10" }], ports: [{ port: 8080 }] }],
      }),
    );
    await eventually(async () => {
      const { items } = await client.list(endpointSlices, {
        namespace: NAMESPACE,
        labelSelector: "kubernetes.io/service-name=legacy",
      });
      return items.length === 1 && items[0]?.endpoints[0]?.addresses[0] === "192.0.2.10";
    }, "the mirrored slice");
  });
});
