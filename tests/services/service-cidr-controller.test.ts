import { expect, test } from "@jest/globals";
import { services } from "../../machinery/api/core-v1.js";
import { type ServiceCIDR, serviceCIDRs } from "../../machinery/api/networking-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const at = { name: "more" };
const more = { metadata: at, spec: { cidrs: ["192.168.7.0/24"] } };
const service = (clusterIP: string) => ({
  metadata: { name: "web", namespace: "default" },
  spec: { clusterIP, ports: [{ port: 80 }] },
});

const ready = ({ status }: ServiceCIDR) => status.conditions?.find(({ type }) => type === "Ready");
const isGone = ({ client }: ControlPlane, name: string): Promise<boolean> =>
  client.get(serviceCIDRs, { name }).then(() => false, isNotFound);

async function addRange(cluster: ControlPlane, range: typeof more = more): Promise<void> {
  const { client, settle, eventually } = cluster;
  await settle(client.create(serviceCIDRs, range));
  await eventually(async () => {
    const cidr = await client.get(serviceCIDRs, at);
    return ready(cidr)?.status === "True" && cidr.metadata.finalizers?.includes(FINALIZER) === true;
  }, "the range to be ready");
}

test("every ServiceCIDR becomes ready and is kept by a finalizer", async () => {
  await withControlPlane(async (cluster) => {
    await addRange(cluster);
    const { items } = await cluster.settle(cluster.client.list(serviceCIDRs));
    expect(items.map((cidr) => [cidr.metadata.name, ready(cidr)?.message, cidr.metadata.finalizers])).toEqual(
      [
        ["kubernetes", "Kubernetes Service CIDR is ready", [FINALIZER]],
        ["more", "Kubernetes Service CIDR is ready", [FINALIZER]],
      ],
    );
  });
});

test("a ServiceCIDR in use stays until its last address is free, and gives out none meanwhile", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await addRange(cluster);
    await settle(client.create(services, service("192.168.7.5")));
    await settle(client.delete(serviceCIDRs, at));
    await eventually(async () => ready(await client.get(serviceCIDRs, at))?.status === "False");
    expect(ready(await settle(client.get(serviceCIDRs, at)))).toMatchObject({
      reason: "Terminating",
      message:
        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
    });
    const other = { ...service("192.168.7.6"), metadata: { name: "other", namespace: "default" } };
    await expect(settle(client.create(services, other))).rejects.toThrow(
      "the provided network does not match the current range",
    );
    await settle(client.delete(services, { namespace: "default", name: "web" }));
    await eventually(() => isGone(cluster, "more"), "the range to go");
  });
});

test("a ServiceCIDR within another one may go though its addresses are in use", async () => {
  await withControlPlane(async (cluster) => {
    const { client, settle, eventually } = cluster;
    await addRange(cluster, { ...more, spec: { cidrs: ["10.100.0.0/24"] } });
    await settle(client.create(services, service("10.100.0.5")));
    await settle(client.delete(serviceCIDRs, at));
    await eventually(() => isGone(cluster, "more"), "the range to go");
    expect((await settle(client.get(services, service("").metadata))).spec.clusterIP).toBe("10.100.0.5");
  });
});
