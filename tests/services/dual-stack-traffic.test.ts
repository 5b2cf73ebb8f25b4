import { expect, test } from "@jest/globals";
import { deployments } from "../../machinery/api/apps-v1.js";
import { pods, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { SimulatedCluster } from "../../simulation/cluster.js";

const namespace = "default";

test("a pod reaches a dual-stack Service by each of its addresses", async () => {
  const cluster = await SimulatedCluster.start({ seed: "dual-stack", nodes: 2 });
  try {
    const { client } = cluster;
    const template = {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "nginx" }] },
    };
    await cluster.settle(
      client.create(deployments, {
        metadata: { name: "web", namespace },
        spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template },
      }),
    );
    const { spec } = await cluster.settle(
      client.create(services, {
        metadata: { name: "web", namespace },
        spec: { selector: { app: "web" }, ipFamilyPolicy: "RequireDualStack", ports: [{ port: 80 }] },
      }),
    );
    const [ipv4 = "", ipv6 = ""] = spec.clusterIPs ?? [];
    expect(ipv6).toContain(":");
    const ready = async (addressType: string): Promise<number> =>
      (
        await client.list(endpointSlices, { namespace, labelSelector: "kubernetes.io/service-name=web" })
      ).items
        .filter((slice) => slice.addressType === addressType)
        .flatMap((slice) => slice.endpoints)
        .filter(({ conditions }) => conditions?.ready).length;
    await cluster.until(async () => (await ready("IPv4")) === 2 && (await ready("IPv6")) === 2);
    await cluster.run(1_000);
    const command = ["sh", "-ec", `wget -qO- http://${ipv4}/; wget -qO- http://[${ipv6}]/`];
    await cluster.settle(
      client.create(pods, {
        metadata: { name: "caller", namespace },
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "busybox:1.36", command }] },
      }),
    );
    const phase = async () => (await client.get(pods, { namespace, name: "caller" })).status.phase;
    await cluster.until(async () => ["Succeeded", "Failed"].includes(await phase()));
    expect(await cluster.settle(phase())).toBe("Succeeded");
  } finally {
    await cluster.stop();
  }
});
