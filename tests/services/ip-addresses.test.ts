import { beforeEach, describe, expect, test } from "@jest/globals";
import { memoryStorage } from "../../apiserver/storage/memory-storage.js";
import { ServiceRepair } from "../../apiserver/repair/service-repair.js";
import type { Clock } from "../../machinery/api/clock.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { type Service, services } from "../../machinery/api/core-v1.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { AS_TABLE, IP_ADDRESSES, refusal, SERVICE_CIDRS, SERVICES, ServiceApi } from "./service-api.js";

let cluster: ServiceApi;
beforeEach(async () => {
  cluster = await ServiceApi.start();
});

const anAddress = (name: string, parentRef: object, metadata: object = {}) =>
  cluster.api.post(IP_ADDRESSES, { metadata: { name, ...metadata }, spec: { parentRef } });

/** Waits for nothing but timers. */
function impatientClock(): Clock {
  const clock = systemClock();
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
    sleep: () => Promise.resolve(),
    view: (skew) => clock.view(skew),
  };
}

describe("IPAddress", () => {
  test("a Service's address comes with it, in one transaction, and goes with it", async () => {
    const watch = await cluster.api.watch(
      `${IP_ADDRESSES}?watch=1&resourceVersion=${cluster.server.store(services).core.storage.revision}`,
    );
    const service = await cluster.create({ clusterIP: "10.96.0.50" });
    const created = (await watch.next())?.object;
    expect(created).toMatchObject({
      kind: "IPAddress",
      apiVersion: "networking.k8s.io/v1",
      metadata: {
        name: "10.96.0.50",
        labels: {
          "ipaddress.kubernetes.io/ip-family": "IPv4",
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: { group: "", resource: "services", namespace: "default", name: "a" } },
    });
    expect(Number(created?.metadata.resourceVersion)).toBe(Number(service.metadata.resourceVersion) - 1);
    await cluster.api.delete(`${SERVICES}/a`);
    expect(await watch.next()).toMatchObject({
      type: "DELETED",
      object: { metadata: { name: "10.96.0.50" } },
    });
    watch.close();
    expect((await cluster.create({ clusterIP: "10.96.0.50" }, "b")).spec.clusterIP).toBe("10.96.0.50");
  });

  test("a Service that is refused or only tried leaves no address behind", async () => {
    await cluster.post({ ports: [] });
    await cluster.post({ clusterIP: "10.96.0.50", sessionAffinity: "Cookie" });
    const dryRun = await cluster.api.post(`${SERVICES}?dryRun=All`, {
      metadata: { name: "a" },
      spec: { ports: [{ port: 80 }] },
    });
    expect(dryRun.body.spec?.["clusterIP"]).toBe("10.96.0.0");
    await cluster.create({ clusterIP: "10.96.0.51" });
    expect((await cluster.post({ clusterIP: "10.96.0.52" })).status).toBe(409);
    expect(await cluster.addresses()).toEqual(["10.96.0.51"]);
    expect((await cluster.create({ clusterIP: "10.96.0.50" }, "b")).spec.clusterIP).toBe("10.96.0.50");
  });

  test("Services that are created at once get different addresses", async () => {
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    const all = await Promise.all(names.map((name) => cluster.create({}, name)));
    expect(new Set(all.map(({ spec }) => spec.clusterIP)).size).toBe(50);
    expect((await cluster.addresses()).length).toBe(50);
  });

  test("an address that somebody reserved is not given to a Service", async () => {
    await anAddress("10.96.0.50", { group: "example.com", resource: "gateways", name: "g" });
    expect(refusal(await cluster.post({ clusterIP: "10.96.0.50" }))).toBe(
      'spec.clusterIPs: Invalid value: ["10.96.0.50"]: failed to allocate IP 10.96.0.50: provided IP is already allocated',
    );
  });

  test.each([
    [
      "10.96.0.050",
      { resource: "services", name: "a" },
      'metadata.name: Invalid value: "10.96.0.050": must not have leading 0s',
    ],
    [
      "fd00:10:96:0::5",
      { resource: "services", name: "a" },
      'metadata.name: Invalid value: "fd00:10:96:0::5": must be in canonical form ("fd00:10:96::5")',
    ],
    [
      "web",
      { resource: "services", name: "a" },
      'metadata.name: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    ["10.96.0.9", undefined, "spec.parentRef: Required value"],
    ["10.96.0.9", { name: "a" }, "spec.parentRef.resource: Required value"],
    ["10.96.0.9", { resource: "services" }, "spec.parentRef.name: Required value"],
  ])("%s with parent %j is refused", async (name, parentRef, message) => {
    const { status, body } = await cluster.api.post(IP_ADDRESSES, {
      metadata: { name },
      spec: { parentRef },
    });
    expect(status).toBe(422);
    expect(body.message).toBe(`IPAddress.networking.k8s.io "${name}" is invalid: ${message}`);
  });

  test("its parent never changes, and is shown", async () => {
    await anAddress("10.96.0.9", {
      group: "example.com",
      resource: "gateways",
      namespace: "default",
      name: "g",
    });
    const { body } = await cluster.api.patch(`${IP_ADDRESSES}/10.96.0.9`, "merge", {
      spec: { parentRef: { name: "other" } },
    });
    expect(body.message).toContain("spec.parentRef: Invalid value:");
    expect(body.message).toContain("field is immutable");
    const table = await cluster.api.get(IP_ADDRESSES, AS_TABLE);
    expect(table.body.columnDefinitions?.map(({ name }) => name)).toEqual(["Name", "ParentRef"]);
    expect(table.body.rows?.map(({ cells }) => cells)).toEqual([
      ["10.96.0.1", "services/default/kubernetes"],
      ["10.96.0.9", "gateways.example.com/default/g"],
    ]);
  });
});

describe("ServiceCIDR", () => {
  const addCidr = (name: string, ...cidrs: string[]) =>
    cluster.api.post(SERVICE_CIDRS, { metadata: { name }, spec: { cidrs } });

  test("the server's own is there from the start, ready", async () => {
    const { body } = await cluster.api.get(SERVICE_CIDRS, AS_TABLE);
    expect(body.rows?.map(({ cells }) => cells.slice(0, 2))).toEqual([
      ["kubernetes", "10.96.0.0/12,fd00:10:96::/112"],
    ]);
    const kubernetes = await cluster.api.get(`${SERVICE_CIDRS}/kubernetes`);
    expect(kubernetes.body.status).toMatchObject({
      conditions: [{ type: "Ready", status: "True", message: "Kubernetes default Service CIDR is ready" }],
    });
  });

  test("a cluster that gets a second family adds it to the range it has", async () => {
    const storage = memoryStorage();
    await ServiceApi.start(["10.96.0.0/12"], storage);
    cluster = await ServiceApi.start(undefined, storage);
    const { body } = await cluster.api.get(`${SERVICE_CIDRS}/kubernetes`);
    expect(body.spec).toEqual({ cidrs: ["10.96.0.0/12", "fd00:10:96::/112"] });
  });

  test("another range can be asked for by address", async () => {
    expect(refusal(await cluster.post({ clusterIP: "192.168.7.5" }))).toBe(
      'spec.clusterIPs: Invalid value: ["192.168.7.5"]: failed to allocate IP 192.168.7.5: the provided network does not match the current range',
    );
    await addCidr("more", "192.168.7.0/24");
    expect((await cluster.create({ clusterIP: "192.168.7.5" })).spec.clusterIP).toBe("192.168.7.5");
  });

  test.each([
    [[], "spec.cidrs: Required value: at least one CIDR required"],
    [
      ["10.0.0.0/24", "10.1.0.0/24"],
      'spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.1.0.0/24"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
    [
      ["10.0.0.7/24"],
      'spec.cidrs[0]: Invalid value: "10.0.0.7/24": must not have bits set beyond the prefix length',
    ],
    [
      ["10.0.0.0"],
      'spec.cidrs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [["FD00::/112"], 'spec.cidrs[0]: Invalid value: "FD00::/112": must be in canonical form ("fd00::/112")'],
  ])("%j is refused", async (cidrs, message) => {
    const { body } = await addCidr("x", ...cidrs);
    expect(body.message).toBe(`ServiceCIDR.networking.k8s.io "x" is invalid: ${message}`);
  });

  test("its ranges never change, but for a second family", async () => {
    await addCidr("x", "192.168.7.0/24");
    const change = (cidrs: string[]) => cluster.api.patch(`${SERVICE_CIDRS}/x`, "merge", { spec: { cidrs } });
    expect((await change(["192.168.8.0/24"])).body.message).toBe(
      'ServiceCIDR.networking.k8s.io "x" is invalid: spec.cidrs[0]: Invalid value: "192.168.8.0/24": field is immutable',
    );
    expect((await change(["192.168.7.0/24", "fd00:7::/112"])).status).toBe(200);
    expect((await change(["192.168.7.0/24"])).status).toBe(422);
  });
});

describe("repair", () => {
  const repaired = async (clock = systemClock()): Promise<string[]> => {
    const { server, nodePorts } = cluster;
    const repair = new ServiceRepair({
      store: (descriptor) => server.store(descriptor),
      nodePorts,
      clock,
      logger: silentLogger,
    });
    await repair.sweep();
    const { body } = await cluster.api.get("/api/v1/namespaces/default/events");
    return (body.items ?? []).map((item) => {
      const { reason, message } = item as unknown as { reason: string; message: string };
      return `${reason}: ${message}`;
    });
  };
  test("an address that was deleted under its Service comes back", async () => {
    await cluster.create({ clusterIP: "10.96.0.50" });
    await cluster.api.delete(`${IP_ADDRESSES}/10.96.0.50`);
    expect(await repaired()).toEqual([
      "ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.50 is not allocated; repairing",
    ]);
    expect(await cluster.addresses()).toEqual(["10.96.0.50"]);
    expect(await repaired()).toHaveLength(1);
  });

  const managed = {
    labels: {
      "ipaddress.kubernetes.io/ip-family": "IPv4",
      "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    },
  };
  const of = (name: string) => ({ resource: "services", namespace: "default", name });

  test("an address whose Service never came goes after a minute", async () => {
    await anAddress("10.96.0.60", of("gone"), managed);
    expect(await repaired()).toEqual([]);
    expect(await repaired(systemClock().view({ offsetMs: 61_000 }))).toEqual([
      "IPAddressNotAllocated: IPAddress: 10.96.0.60 for Service default/gone appears to have leaked: cleaning up",
    ]);
    expect(await cluster.addresses()).toEqual([]);
  });

  test("an address that its Service has not goes; one that is somebody else's stays", async () => {
    await cluster.create({ clusterIP: "10.96.0.50" });
    await anAddress("10.96.0.61", of("a"), managed);
    await anAddress("10.96.0.62", { group: "example.com", resource: "gateways", name: "g" });
    expect(await repaired()).toEqual([
      "IPAddressWrongReference: IPAddress: 10.96.0.61 for Service default/a has a wrong reference; cleaning up",
    ]);
    expect(await cluster.addresses()).toEqual(["10.96.0.50", "10.96.0.62"]);
  });

  test("a Service outside of every range, and two with one address, are told to be made anew", async () => {
    const { core } = cluster.server.store(services);
    const stored = (await cluster.create({ clusterIP: "10.96.0.50", type: "NodePort" }, "b")) as Service;
    const forge = async (name: string, clusterIP: string): Promise<void> => {
      const uid = `uid-${name}`;
      const object = {
        ...stored,
        metadata: { ...stored.metadata, name, uid },
        spec: { ...stored.spec, clusterIP, clusterIPs: [clusterIP] },
      };
      await core.storage.create(core.key({ namespace: "default", name }), core.encoder(object));
    };
    await forge("c", "10.96.0.50");
    await forge("d", "192.168.0.9");
    const [port] = stored.spec.ports ?? [];
    expect((await repaired()).toSorted()).toEqual([
      "ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.96.0.50 was assigned to multiple services; please recreate service",
      "ClusterIPOutOfRange: Cluster IP [IPv4]: 192.168.0.9 is not within any configured Service CIDR; please recreate service",
      ...Array.from(
        { length: 2 },
        () =>
          `PortAlreadyAllocated: Port ${port?.nodePort} was assigned to multiple services; please recreate service`,
      ),
    ]);
  });

  test("a node port that nobody has is given back after three passes", async () => {
    cluster.nodePorts.allocate(30001);
    const { server, nodePorts } = cluster;
    const repair = new ServiceRepair({
      store: (descriptor) => server.store(descriptor),
      nodePorts,
      clock: systemClock(),
      logger: silentLogger,
    });
    for (let pass = 1; pass <= 3; pass++) {
      expect(nodePorts.has(30001)).toBe(true);
      await repair.sweep();
    }
    expect(nodePorts.has(30001)).toBe(false);
  });

  test("the loop looks at what changes, and stops when told", async () => {
    const { server, nodePorts } = cluster;
    const repair = new ServiceRepair({
      store: (descriptor) => server.store(descriptor),
      nodePorts,
      clock: impatientClock(),
      logger: silentLogger,
    });
    const abort = new AbortController();
    const running = repair.run(abort.signal);
    await cluster.create({ clusterIP: "10.96.0.50" });
    const watch = await cluster.api.watch(`${IP_ADDRESSES}?watch=1&fieldSelector=metadata.name=10.96.0.50`);
    await watch.next();
    await cluster.api.delete(`${IP_ADDRESSES}/10.96.0.50`);
    expect((await watch.next())?.type).toBe("DELETED");
    expect((await watch.next())?.type).toBe("ADDED");
    watch.close();
    abort.abort();
    await running;
  });
});
