import { expect, test } from "@jest/globals";
import type { BalancerStatus, CloudLoadBalancers } from "../../controllers/service/cloud.js";
import { events, nodes, type Service, services } from "../../machinery/api/core-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const at = { namespace: "default", name: "web" };
const FINALIZER = "service.kubernetes.io/load-balancer-cleanup";

/** Gives out 203.0.113.n, after as many failures as are asked for. */
class FakeCloud implements CloudLoadBalancers {
  readonly balancers = new Map<string, string>();
  readonly calls: string[] = [];
  failures = 0;

  has(key: string): boolean {
    return this.balancers.has(key);
  }

  async ensure(key: string, _service: unknown, nodeNames: readonly string[]): Promise<BalancerStatus> {
    this.calls.push(`ensure ${key} ${nodeNames.join(",")}`);
    if (this.failures-- > 0) throw new Error("quota exceeded");
    const ip = this.balancers.get(key) ?? `203.0.113.${this.balancers.size + 1}`;
    this.balancers.set(key, ip);
    return { ingress: [{ ip, ipMode: "VIP" }], warnings: [] };
  }

  async delete(key: string): Promise<void> {
    this.calls.push(`delete ${key}`);
    this.balancers.delete(key);
  }
}

const create = ({ client, settle }: ControlPlane, spec: Partial<Service["spec"]> = {}) =>
  settle(
    client.create(services, {
      metadata: at,
      spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
    }),
  );
const get = ({ client }: ControlPlane): Promise<Service> => client.get(services, at);
const addressOf = async (cluster: ControlPlane): Promise<string | undefined> =>
  (await get(cluster)).status.loadBalancer.ingress?.[0]?.ip;
const told = async ({ client }: ControlPlane): Promise<string[]> =>
  (await client.list(events, { namespace: "default" })).items
    .filter(({ involvedObject }) => involvedObject.kind === "Service")
    .map(({ reason, message, source }) => `${source?.component} ${reason}: ${message}`);

test("a LoadBalancer gets finalizer, address and events; deleted, it goes once the cloud has cleaned up", async () => {
  const cloud = new FakeCloud();
  await withControlPlane(
    async (cluster) => {
      await create(cluster);
      await cluster.eventually(async () => (await addressOf(cluster)) === "203.0.113.1");
      expect((await cluster.settle(get(cluster))).metadata.finalizers).toEqual([FINALIZER]);
      await cluster.settle(cluster.client.delete(services, at));
      await cluster.eventually(() => get(cluster).then(() => false, isNotFound));
      expect(cloud.calls).toEqual(["ensure default/web node-1,node-2,node-3", "delete default/web"]);
      const reasons = [
        "EnsuringLoadBalancer",
        "EnsuredLoadBalancer",
        "DeletingLoadBalancer",
        "DeletedLoadBalancer",
      ];
      await cluster.eventually(async () => (await told(cluster)).length === reasons.length, "the events");
      const lines = await cluster.settle(told(cluster));
      for (const reason of reasons)
        expect(lines.some((line) => line.startsWith(`service-controller ${reason}: `))).toBe(true);
    },
    { cloud },
  );
});

test("a Service that stops being a LoadBalancer loses address and finalizer", async () => {
  const cloud = new FakeCloud();
  await withControlPlane(
    async (cluster) => {
      await create(cluster);
      await cluster.eventually(async () => (await addressOf(cluster)) !== undefined);
      const body = { spec: { type: "ClusterIP" } };
      await cluster.settle(cluster.client.patch(services, at, { type: "merge", body }));
      await cluster.eventually(async () => (await addressOf(cluster)) === undefined);
      await cluster.eventually(async () => !(await get(cluster)).metadata.finalizers?.length);
      expect(cloud.balancers.size).toBe(0);
      await cluster.eventually(async () => (await told(cluster)).some((line) => line.includes("Deleted")));
    },
    { cloud },
  );
});

test("a class of its own is left to its controller, and without a cloud every Service stays pending", async () => {
  const cloud = new FakeCloud();
  await withControlPlane(
    async (cluster) => {
      await create(cluster, { loadBalancerClass: "example.com/mine" });
      await cluster.scheduler.run(10_000);
      expect(await cluster.settle(addressOf(cluster))).toBeUndefined();
      expect(cloud.calls).toEqual([]);
    },
    { cloud },
  );
  await withControlPlane(async (cluster) => {
    await create(cluster);
    await cluster.scheduler.run(10_000);
    expect((await cluster.settle(get(cluster))).metadata.finalizers ?? []).toEqual([]);
    expect(await cluster.settle(addressOf(cluster))).toBeUndefined();
  });
});

test("a cloud that fails is told of and tried again after 5 s, then 10 s", async () => {
  const cloud = new FakeCloud();
  cloud.failures = 2;
  await withControlPlane(
    async (cluster) => {
      await create(cluster);
      await cluster.scheduler.run(4_000);
      expect(cloud.calls).toHaveLength(1);
      await cluster.scheduler.run(2_000);
      expect(cloud.calls).toHaveLength(2);
      await cluster.eventually(async () => (await addressOf(cluster)) !== undefined, "an address", 12_000);
      const failure = "Error syncing load balancer: failed to ensure load balancer: quota exceeded";
      const lines = await cluster.settle(told(cluster));
      expect(lines).toContain(`service-controller SyncLoadBalancerFailed: ${failure}`);
    },
    { cloud },
  );
});

test("a balancer follows the nodes: one that is excluded gets no more traffic", async () => {
  const cloud = new FakeCloud();
  await withControlPlane(
    async (cluster) => {
      await create(cluster);
      await cluster.eventually(async () => (await addressOf(cluster)) !== undefined);
      const labels = { "node.kubernetes.io/exclude-from-external-load-balancers": "" };
      const body = { metadata: { labels } };
      await cluster.settle(cluster.client.patch(nodes, { name: "node-2" }, { type: "merge", body }));
      await cluster.eventually(async () =>
        (await told(cluster)).includes(
          "service-controller UpdatedLoadBalancer: Updated load balancer with new hosts",
        ),
      );
      expect(cloud.calls.at(-1)).toBe("ensure default/web node-1,node-3");
    },
    { cloud },
  );
});
