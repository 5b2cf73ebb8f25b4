import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { readManifests } from "../cli/manifests.js";
import { resourceFor } from "../cli/resource-for.js";
import { type Deployment, deployments } from "../machinery/api/apps-v1.js";
import { leases } from "../machinery/api/coordination-v1.js";
import { type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import { readBody } from "../machinery/api/http.js";
import type { KubeObject, Manifest } from "../machinery/api/meta-v1.js";
import { type Ingress, ingresses } from "../machinery/api/networking-v1.js";
import { SimulatedCluster } from "./cluster.js";
import { Recording } from "./recording.js";

// The emulated ingress-nginx in a whole cluster on virtual time.

const ADDONS = fileURLToPath(new URL("../manifests/addons", import.meta.url));

const web: Manifest<Deployment> = {
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            name: "nginx",
            image: "nginx",
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
            lifecycle: { preStop: { sleep: { seconds: 2 } } },
          },
        ],
      },
    },
  },
};
const webService: Manifest<Service> = {
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};
const anIngress = (name: string, className: string): Manifest<Ingress> => ({
  metadata: { name, namespace: "default" },
  spec: {
    ingressClassName: className,
    rules: [
      {
        http: {
          paths: [
            { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
});
const caller = (url: string): Manifest<Pod> => ({
  metadata: { name: "caller", namespace: "default" },
  spec: {
    restartPolicy: "Never",
    containers: [
      {
        name: "load",
        image: "kubesim.dev/load",
        args: [`--url=${url}`, "--per-second=20", "--duration-ms=15000"],
      },
    ],
  },
});

async function withIngress(seed: number): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start({ seed });
  for (const { object } of readManifests([ADDONS])) {
    const descriptor = resourceFor(object);
    if (!descriptor) throw new RangeError(`no such kind: ${object.kind}`);
    const namespace = descriptor.namespaced ? { namespace: object.metadata.namespace ?? "default" } : {};
    const manifest = { ...object, metadata: { ...object.metadata, ...namespace } } as Manifest<KubeObject>;
    await cluster.settle(cluster.client.create(descriptor, manifest));
  }
  await cluster.settle(cluster.client.create(deployments, web));
  await cluster.settle(cluster.client.create(services, webService));
  await cluster.settle(cluster.client.create(ingresses, anIngress("outside", "nginx")));
  await cluster.settle(cluster.client.create(ingresses, anIngress("inside", "internal")));
  const addressOf = async (name: string): Promise<number> =>
    (await cluster.client.get(ingresses, { namespace: "default", name })).status.loadBalancer.ingress
      ?.length ?? 0;
  await cluster.until(
    async () => (await addressOf("outside")) > 0 && (await addressOf("inside")) > 0,
    60_000,
    "addresses in the Ingresses' status",
  );
  await cluster.run(3000);
  return cluster;
}

/** Rolls the backend and kills a controller while a pod asks through the Ingress. */
async function story(seed: number): Promise<{ outcomes: string[]; lines: string[] }> {
  const cluster = await withIngress(seed);
  const recording = new Recording(cluster);
  const { client } = cluster;
  const at = { namespace: "ingress-nginx", name: "ingress-internal-controller" };
  const { spec } = await cluster.settle(client.get(services, at));
  await cluster.settle(client.create(pods, caller(`http://${spec.clusterIP}/`)));
  await cluster.run(2000);
  const restart = { spec: { template: { metadata: { annotations: { restarted: "now" } } } } };
  const body = { type: "strategic" as const, body: restart };
  await cluster.settle(client.patch(deployments, { namespace: "default", name: "web" }, body));
  await cluster.run(20_000);
  const log = await cluster.settle(
    client.request({ method: "GET", path: "/api/v1/namespaces/default/pods/caller/log" }),
  );
  const text = Buffer.from(await cluster.settle(readBody(log.body))).toString();
  await cluster.stop();
  const outcomes = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { outcome, status } = JSON.parse(line) as { outcome: string; status?: number };
      return `${outcome} ${status}`;
    });
  return { outcomes, lines: recording.lines() };
}

test("a rolling update behind an Ingress loses no request, and one seed tells one story", async () => {
  const first = await story(11);
  const again = await story(11);

  expect(first.outcomes.length).toBeGreaterThan(250);
  expect(new Set(first.outcomes)).toEqual(new Set(["ok 200"]));
  expect(again).toEqual(first);
}, 60_000);

test("each class is served by its own controller, and another replica takes the status over", async () => {
  const cluster = await withIngress(12);
  const { client } = cluster;
  const ingressOf = (name: string): Promise<Ingress> =>
    cluster.settle(client.get(ingresses, { namespace: "default", name }));
  const service = await cluster.settle(
    client.get(services, { namespace: "ingress-nginx", name: "ingress-internal-controller" }),
  );
  expect((await ingressOf("outside")).status.loadBalancer.ingress).toEqual([{ hostname: "localhost" }]);
  expect((await ingressOf("inside")).status.loadBalancer.ingress).toEqual([{ ip: service.spec.clusterIP }]);

  const lease = { namespace: "ingress-nginx", name: "ingress-internal-leader" };
  const holder = async (): Promise<string> => (await client.get(leases, lease)).spec.holderIdentity ?? "";
  const before = await cluster.settle(holder());
  await cluster.settle(client.delete(pods, { namespace: "ingress-nginx", name: before }));
  await cluster.until(async () => !["", before].includes(await holder()), 60_000, "another leader");
  await cluster.settle(client.create(ingresses, anIngress("later", "internal")));
  await cluster.until(
    async () =>
      (await client.get(ingresses, { namespace: "default", name: "later" })).status.loadBalancer.ingress?.[0]
        ?.ip === service.spec.clusterIP,
    10_000,
    "an address from the new leader",
  );
  await cluster.stop();
}, 60_000);
