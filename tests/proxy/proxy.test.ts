import { expect, test } from "@jest/globals";
import { deployments } from "../../machinery/api/apps-v1.js";
import { events, nodes, pods, services } from "../../machinery/api/core-v1.js";
import type { Transport } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { whenAborted } from "../../machinery/api/when-aborted.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { memoryDialer } from "../../proxy-sim/dataplane/carrier-dialer.js";
import { DataPlane } from "../../proxy-sim/dataplane/data-plane.js";
import type { HostListeners } from "../../proxy-sim/dataplane/host-ports.js";
import type { DataPlaneApi, HostPort } from "../../proxy-sim/dataplane/table.js";
import { Proxy, type ProxyOptions } from "../../proxy-sim/proxy.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const NAMESPACE = "default";

function aDataPlane(
  { clock }: ControlPlane,
  { hostListeners, seed = "dataplane" }: { hostListeners?: HostListeners; seed?: string } = {},
): DataPlane {
  return new DataPlane({
    clock,
    rng: seededRng(seed),
    logger: silentLogger,
    dialCarrier: memoryDialer(new MemoryCarriers({ clock, latency: () => 1 })),
    ...(hostListeners ? { hostListeners } : {}),
  });
}

/** Starts a proxy; the result ends it, as `kill` would but in order. */
function startProxy(
  cluster: ControlPlane,
  dataPlane: DataPlaneApi,
  options: Partial<ProxyOptions> = {},
): { proxy: Proxy; stop: () => Promise<void> } {
  const { clock, transport } = cluster;
  const proxy = new Proxy({
    client: new RestClient({ transport, clock, userAgent: "kube-proxy" }),
    dataPlane,
    clock,
    rng: seededRng("proxy"),
    logger: silentLogger,
    ...options,
  });
  const controller = new AbortController();
  const running = proxy.run(controller.signal);
  return {
    proxy,
    stop: () => {
      controller.abort(new Error("stopped"));
      return cluster.settle(running);
    },
  };
}

async function applyWeb({ client, settle }: ControlPlane, nodePort?: number): Promise<string> {
  await settle(
    client.create(deployments, {
      metadata: { name: "web", namespace: NAMESPACE },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "web", image: "nginx" }] },
        },
      },
    }),
  );
  const service = await settle(
    client.create(services, {
      metadata: { name: "web", namespace: NAMESPACE },
      spec: {
        selector: { app: "web" },
        ports: [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }],
        ...(nodePort === undefined ? {} : { type: "NodePort" as const }),
      },
    }),
  );
  return service.spec.clusterIP ?? "";
}

const routeOn = (dataPlane: DataPlane, node: string) =>
  dataPlane.router.kernel(node)?.table.get("default/web")?.route;
const readyOn = (dataPlane: DataPlane, node: string): string[] =>
  (routeOn(dataPlane, node)?.backends ?? [])
    .filter(({ ready }) => ready)
    .map(({ pod = "" }) => pod)
    .sort();

async function livePods({ client, settle }: ControlPlane): Promise<string[]> {
  const { items } = await settle(client.list(pods, { namespace: NAMESPACE, labelSelector: "app=web" }));
  return items
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => `${NAMESPACE}/${metadata.name}`)
    .sort();
}

test("pods come and go, every node's table follows, and the ClusterIP stays", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { proxy, stop } = startProxy(cluster, dataPlane);
    const clusterIP = await applyWeb(cluster);
    const nodeNames = ["node-1", "node-2", "node-3"];
    const allHave = (count: number) => () =>
      nodeNames.every((node) => readyOn(dataPlane, node).length === count);
    await cluster.eventually(allHave(3), "three endpoints in every table");
    const before = await livePods(cluster);
    const [victim = ""] = before;
    await cluster.settle(
      cluster.client.delete(pods, { namespace: NAMESPACE, name: victim.split("/")[1] ?? "" }),
    );
    await cluster.eventually(
      () => allHave(3)() && !readyOn(dataPlane, "node-1").includes(victim),
      "a replacement in every table",
    );
    expect(readyOn(dataPlane, "node-2")).toEqual(await livePods(cluster));
    expect(routeOn(dataPlane, "node-3")?.clusterIPs).toEqual([clusterIP]);
    expect(new Set(nodeNames.map((node) => dataPlane.router.kernel(node)?.table)).size).toBe(1);
    const changes = proxy.timeline.list({ service: "default/web", limit: 100 });
    expect(changes.flatMap(({ noLongerReady = [] }) => noLongerReady)).toContain(victim);
    expect(changes.every(({ programmed }) => programmed.length === 1)).toBe(true);
    await stop();
    await dataPlane.close();
  });
});

test("with watches of its own, a node whose watch hangs lags alone, and catches up", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { clock, transport } = cluster;
    let letGo = (): void => {};
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const hanging: Transport = {
      upgrade: (...args) => transport.upgrade(...args),
      request: async (request, signal) => {
        const isWatch = request.path.includes("watch=");
        if (isWatch) await Promise.race([released, ...(signal ? [whenAborted(signal)] : [])]);
        return transport.request(request, signal);
      },
    };
    const { proxy, stop } = startProxy(cluster, dataPlane, {
      config: { watchedNodes: 10 },
      clientFor: (node) =>
        new RestClient({ transport: node === "node-2" ? hanging : transport, clock, userAgent: node }),
    });
    const everyone = ["node-1", "node-2", "node-3"];
    await cluster.eventually(() => proxy.cursors.own().size === 3, "watches of every node");
    await applyWeb(cluster);
    const have = (nodeNames: string[]) => nodeNames.every((node) => readyOn(dataPlane, node).length === 3);
    await cluster.eventually(() => have(["node-1", "node-3"]), "three endpoints on the others");
    expect(routeOn(dataPlane, "node-2")).toBeUndefined();
    expect(dataPlane.router.kernel("node-3")?.table).toBe(dataPlane.router.kernel("node-1")?.table);
    expect(proxy.lagOf("node-2").behind).toBeGreaterThan(0);
    letGo();
    await cluster.eventually(() => have(everyone), "three endpoints everywhere");
    await stop();
    await dataPlane.close();
  });
});

/** Notes when the data plane was programmed, and whether with everything. */
function watched(dataPlane: DataPlane, { clock }: ControlPlane) {
  const syncs: { atMs: number; full: boolean }[] = [];
  const api: DataPlaneApi = {
    boots: (signal) => dataPlane.boots(signal),
    program: (transaction) => {
      syncs.push({ atMs: clock.monotonicMs(), full: transaction.full === true });
      return dataPlane.program(transaction);
    },
  };
  return { api, syncs };
}

test("two syncs are minSyncPeriod apart at least, however fast changes come", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { api, syncs } = watched(dataPlane, cluster);
    const { proxy, stop } = startProxy(cluster, api, { config: { minSyncPeriodMs: 1000 } });
    await cluster.eventually(() => proxy.ready, "the first sync");
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 3, "three endpoints");
    for (let i = 1; i < syncs.length; i++)
      expect((syncs[i]?.atMs ?? 0) - (syncs[i - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(1000);
    expect(syncs.length).toBeGreaterThan(1);
    await stop();
    await dataPlane.close();
  });
});

test("everything is sent once at the start and again every syncPeriod; in between only what changed", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { api, syncs } = watched(dataPlane, cluster);
    const { proxy, stop } = startProxy(cluster, api, { config: { syncPeriodMs: 30_000 } });
    await cluster.eventually(() => proxy.ready, "the first sync");
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 3, "three endpoints");
    const fulls = () => syncs.filter(({ full }) => full);
    expect(fulls()).toHaveLength(1);
    const partial = syncs.length;
    expect(partial).toBeGreaterThan(1);
    await cluster.eventually(() => fulls().length === 2, "the second full sync");
    expect((fulls()[1]?.atMs ?? 0) - (fulls()[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(30_000);
    expect(readyOn(dataPlane, "node-2")).toHaveLength(3);
    expect(proxy.metrics.registry.expose()).toContain(
      'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 2',
    );
    await stop();
    await dataPlane.close();
  });
});

test("tables stand while the proxy is dead, and a new one brings them up to date", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const first = startProxy(cluster, dataPlane);
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 3, "three endpoints");
    await first.stop();
    const revision = dataPlane.router.newestRevision;
    await cluster.settle(
      cluster.client.patch(
        deployments,
        { namespace: NAMESPACE, name: "web" },
        { type: "merge", body: { spec: { replicas: 1 } } },
      ),
    );
    await cluster.eventually(async () => (await livePods(cluster)).length === 1, "one pod");
    expect(readyOn(dataPlane, "node-1")).toHaveLength(3);
    const second = startProxy(cluster, dataPlane);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 1, "one endpoint");
    expect(dataPlane.router.newestRevision).toBeGreaterThan(revision);
    await second.stop();
    await dataPlane.close();
  });
});

test("a data plane that was restarted is given everything at once", async () => {
  await withControlPlane(async (cluster) => {
    const lost = aDataPlane(cluster);
    let current = lost;
    let restart = (): void => {};
    const restarted = new Promise<void>((resolve) => {
      restart = resolve;
    });
    const behindTheSocket: DataPlaneApi = {
      program: (transaction) => current.program(transaction),
      async *boots(signal) {
        yield { bootId: current.bootId, revision: 0 };
        await restarted;
        yield* current.boots(signal);
      },
    };
    const { stop } = startProxy(cluster, behindTheSocket);
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(lost, "node-1").length === 3, "three endpoints");
    current = aDataPlane(cluster, { seed: "restarted" });
    restart();
    await cluster.eventually(() => readyOn(current, "node-3").length === 3, "three endpoints again");
    await stop();
    await Promise.all([lost.close(), current.close()]);
  });
});

test("a node port that the host has given away is a Warning on its Service", async () => {
  await withControlPlane(async (cluster) => {
    const taken: HostPort = {
      servicePort: "default/web",
      node: "node-1",
      wanted: "127.0.0.1:30080",
      actual: "127.0.0.1:41234",
      problem: "listen EADDRINUSE: address already in use 127.0.0.1:30080",
    };
    const hostListeners = { sync: async () => {}, ports: () => [taken], close: async () => {} };
    const dataPlane = aDataPlane(cluster, { hostListeners });
    const { stop } = startProxy(cluster, dataPlane);
    await applyWeb(cluster, 30_080);
    const warnings = async () => {
      const { items } = await cluster.client.list(events, { namespace: NAMESPACE });
      return items.filter(({ reason }) => reason === "NodePortTaken");
    };
    await cluster.eventually(async () => (await warnings()).length > 0, "a Warning event");
    const [warning] = await cluster.settle(warnings());
    expect(warning).toMatchObject({
      type: "Warning",
      involvedObject: { kind: "Service", name: "web" },
      message: "127.0.0.1:30080 is in use on this machine; using 127.0.0.1:41234 instead",
    });
    await stop();
    await dataPlane.close();
  });
});

test("a node that is deleted loses its table, and one that joins gets that of the others", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { stop } = startProxy(cluster, dataPlane);
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 3, "three endpoints");
    await cluster.settle(cluster.client.delete(nodes, { name: "node-3" }));
    await cluster.eventually(() => dataPlane.router.kernel("node-3") === undefined, "node-3 to be gone");
    await cluster.settle(cluster.kubelet.register("node-4"));
    await cluster.eventually(
      () => dataPlane.router.kernel("node-4")?.table === dataPlane.router.kernel("node-1")?.table,
      "node-4 to share the table",
    );
    await stop();
    await dataPlane.close();
  });
});

test("a node's proxy is switched to another mode at run time, without a change of its table", async () => {
  await withControlPlane(async (cluster) => {
    const dataPlane = aDataPlane(cluster);
    const { proxy, stop } = startProxy(cluster, dataPlane);
    await applyWeb(cluster);
    await cluster.eventually(() => readyOn(dataPlane, "node-1").length === 3, "three endpoints");
    const revision = dataPlane.router.kernel("node-2")?.table.revision;
    const put = (body: unknown) =>
      proxy.adminHandlers()["PUT /mode"]?.({
        query: new URLSearchParams(),
        body,
        signal: new AbortController().signal,
      });
    put({ mode: "ipvs", node: "node-2" });
    const modes = () => [...dataPlane.router.kernels()].map(({ balancer }) => balancer.name).join(" ");
    await cluster.eventually(() => modes() === "iptables ipvs-rr iptables", "node-2 in ipvs mode");
    expect(dataPlane.router.kernel("node-2")?.table.revision).toBe(revision);
    expect(() => put({ mode: "ipvs-nonsense" })).toThrow('unknown proxy mode "ipvs-nonsense"');
    expect(() => put({ mode: "ipvs", node: "node-99" })).toThrow('node "node-99" not found');
    put({ mode: "nftables" });
    await cluster.eventually(() => modes() === "nftables nftables nftables", "every node in nftables mode");
    await stop();
    await dataPlane.close();
  });
});
