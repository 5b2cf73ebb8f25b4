import { expect, test } from "@jest/globals";
import { decode, encode } from "dns-packet";
import { type Pod, pods, type Service, services } from "../machinery/api/core-v1.js";
import { applyObject } from "../cli/objects/apply.js";
import { readManifests } from "../cli/manifests.js";
import { builtInResource } from "../cli/resource-for.js";
import { SimulatedCluster } from "./cluster.js";

const DNS = { namespace: "kube-system", labelSelector: "k8s-app=kube-dns" };
const KUBE_DNS = "10.96.0.10";

/** A simulated cluster with its DNS, ready. */
async function withDns(seed: number): Promise<{ cluster: SimulatedCluster; replicas: () => Promise<Pod[]> }> {
  const cluster = await SimulatedCluster.start({ seed });
  const { client } = cluster;
  for (const { object } of readManifests(["manifests/system/coredns.yaml"])) {
    await cluster.settle(applyObject({ client, namespace: "default" }, builtInResource(object), object));
  }
  const replicas = async (): Promise<Pod[]> => (await client.list(pods, DNS)).items;
  const isReady = ({ status }: Pod): boolean =>
    status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ??
    false;
  await cluster.until(async () => {
    const all = await replicas();
    return all.length === 2 && all.every(isReady);
  });
  await cluster.run(1000);
  return { cluster, replicas };
}

async function ask(cluster: SimulatedCluster, ip: string, name: string): Promise<string[]> {
  const query = encode({ type: "query", id: 1, flags: 0x100, questions: [{ type: "A", name }] });
  const answer = decode(
    Buffer.from(await cluster.settle(cluster.dataPlane.exchange({ ip, port: 53 }, query, 20_000))),
  );
  const { rcode = "" } = answer as { rcode?: string };
  return [rcode, ...(answer.answers ?? []).flatMap((record) => (record.type === "A" ? [record.data] : []))];
}

const made = { metadata: { namespace: "default", name: "late" }, spec: { ports: [{ port: 80 }] } };

test("a replica of cluster DNS whose watch lags answers of before, the other one of now", async () => {
  const { cluster, replicas } = await withDns(11);
  const [behind, prompt] = await cluster.settle(replicas());
  await cluster.settle(
    cluster.reach.components.hold("kubelet", {
      id: "lag",
      point: "watch",
      parameters: { lagMs: 10_000, clients: [`pods/kube-system/${behind?.metadata.name}`] },
      endsAtMs: cluster.clock.nowMs() + 60_000,
    }),
  );
  const service: Service = await cluster.settle(cluster.client.create(services, made));
  await cluster.run(1000);
  const name = "late.default.svc.cluster.local";
  expect(behind?.spec.nodeName).not.toBe(prompt?.spec.nodeName);
  expect(await ask(cluster, prompt?.status.podIP ?? "", name)).toEqual(["NOERROR", service.spec.clusterIP]);
  expect(await ask(cluster, behind?.status.podIP ?? "", name)).toEqual(["NXDOMAIN"]);
  await cluster.run(15_000);
  expect(await ask(cluster, behind?.status.podIP ?? "", name)).toEqual(["NOERROR", service.spec.clusterIP]);
  await cluster.stop();
});

test("names outside of a simulated cluster do not exist; those of Services do, through kube-dns", async () => {
  const { cluster } = await withDns(12);
  expect(await ask(cluster, KUBE_DNS, "kubernetes.default.svc.cluster.local")).toEqual([
    "NOERROR",
    "10.96.0.1",
  ]);
  expect(await ask(cluster, KUBE_DNS, "www.example.com")).toEqual(["NXDOMAIN"]);
  await cluster.stop();
});
