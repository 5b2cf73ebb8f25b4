import { expect, test } from "@jest/globals";
import { deployments } from "../../machinery/api/apps-v1.js";
import { nodes, services } from "../../machinery/api/core-v1.js";
import { readBody } from "../../machinery/api/http.js";
import { silentLogger } from "../../machinery/api/logger.js";
import { RestClient } from "../../machinery/client/rest-client.js";
import { Http1Client } from "../../machinery/network/http1-client.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import { connectionPair } from "../../machinery/network/memory-pipe.js";
import { ConnectionError } from "../../machinery/network/network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { memoryDialer } from "../../proxy-sim/dataplane/carrier-dialer.js";
import { DataPlane } from "../../proxy-sim/dataplane/data-plane.js";
import type { DataPlaneApi } from "../../proxy-sim/dataplane/table.js";
import { Proxy } from "../../proxy-sim/proxy.js";
import { type ControlPlane, withControlPlane } from "../testkit/control-plane.js";

const NAMESPACE = "default";

/** A proxy whose data plane can be made to fail. */
function startProxy(cluster: ControlPlane) {
  const { clock, transport } = cluster;
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("health"),
    logger: silentLogger,
    dialCarrier: memoryDialer(new MemoryCarriers({ clock, latency: () => 0 })),
  });
  const state = { broken: false };
  const api: DataPlaneApi = {
    boots: (signal) => dataPlane.boots(signal),
    program: async (transaction) => {
      if (state.broken) throw new Error("the data plane is stuck");
      return dataPlane.program(transaction);
    },
  };
  const proxy = new Proxy({
    client: new RestClient({ transport, clock, userAgent: "kube-proxy" }),
    dataPlane: api,
    clock,
    rng: seededRng("proxy"),
    logger: silentLogger,
  });
  const controller = new AbortController();
  const running = proxy.run(controller.signal);
  const stop = async (): Promise<void> => {
    controller.abort(new Error("stopped"));
    await cluster.settle(running);
    await dataPlane.close();
  };
  const get = async (ip: string, port: number, path = "/") => {
    const local = { ip, port };
    const remote = { ip: "172.18.0.1", port: 40_000 };
    const [near, far] = connectionPair({
      clock,
      near: { local: remote, remote: local },
      far: { local, remote },
    });
    if (proxy.health.acceptConnection(remote, local, () => far) !== "open")
      throw new ConnectionError("refused");
    const asking = new Http1Client(near).request({
      method: "GET",
      path,
      headers: { host: "node", connection: "close" },
    });
    const { status, body } = await cluster.settle(asking);
    return { status, text: Buffer.from(await cluster.settle(readBody(body))).toString() };
  };
  return { proxy, state, stop, get };
}

async function applyWeb({ client, settle }: ControlPlane): Promise<number> {
  const labels = { app: "web" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "nginx" }] } };
  await settle(
    client.create(deployments, {
      metadata: { name: "web", namespace: NAMESPACE },
      spec: { replicas: 3, selector: { matchLabels: labels }, template },
    }),
  );
  const service = await settle(
    client.create(services, {
      metadata: { name: "web", namespace: NAMESPACE },
      spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", selector: labels, ports: [{ port: 80 }] },
    }),
  );
  return service.spec.healthCheckNodePort ?? 0;
}

/** Gives every node an address. */
async function addressNodes({ client, settle }: ControlPlane): Promise<string[]> {
  const { items } = await settle(client.list(nodes));
  const ips = items.map((_, i) => `172.18.0.${i + 3}`);
  for (const [i, { metadata }] of items.entries()) {
    const addresses = [{ type: "InternalIP", address: ips[i] }];
    const body = { status: { addresses } };
    await settle(
      client.patch(nodes, { name: metadata.name }, { type: "merge", body }, { subresource: "status" }),
    );
  }
  return ips;
}

test("each node counts its own ready endpoints of a Service with policy Local", async () => {
  await withControlPlane(async (cluster) => {
    const { proxy, stop, get } = startProxy(cluster);
    const port = await applyWeb(cluster);
    expect(port).toBeGreaterThan(0);
    const ips = await addressNodes(cluster);
    const counts = async (): Promise<number[]> => {
      const bodies = await Promise.all(ips.map(async (ip) => (await get(ip, port)).text));
      return bodies.map((text) => (JSON.parse(text) as { localEndpoints: number }).localEndpoints);
    };
    await cluster.eventually(() => proxy.ready, "the first sync");
    await cluster.eventually(
      async () => (await counts()).reduce((sum, count) => sum + count, 0) === 3,
      "three endpoints in all",
    );
    await cluster.settle(cluster.client.delete(services, { namespace: NAMESPACE, name: "web" }));
    await cluster.eventually(
      () =>
        get(ips[0] ?? "", port).then(
          () => false,
          (err: unknown) => err instanceof ConnectionError,
        ),
      "a closed health check",
    );
    await stop();
  });
});

test("a proxy that cannot write its rules for a minute is unhealthy until it can", async () => {
  await withControlPlane(async (cluster) => {
    const { proxy, state, stop, get } = startProxy(cluster);
    await cluster.eventually(() => proxy.ready, "the first sync");
    const [ip = ""] = await addressNodes(cluster);
    const healthz = async (): Promise<number> => (await get(ip, 10_256, "/healthz")).status;
    state.broken = true;
    await applyWeb(cluster);
    expect(await healthz()).toBe(200);
    await cluster.eventually(async () => (await healthz()) === 503, "an unhealthy proxy", 90_000);
    state.broken = false;
    await cluster.eventually(async () => (await healthz()) === 200, "a healthy proxy");
    expect(proxy.metrics.registry.expose()).toMatch(/kubeproxy_proxy_healthz_total\{code="503"\} \d/);
    expect(proxy.metrics.registry.expose()).toMatch(/iptables_restore_failures_total \d/);
    await stop();
  });
});
