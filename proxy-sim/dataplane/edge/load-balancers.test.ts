import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../../machinery/api/logger.js";
import { startCarrier } from "../../../machinery/network/carrier.js";
import { carrierUplink } from "../../../machinery/network/carrier-uplink.js";
import { VirtualNetwork } from "../../../machinery/network/virtual-network.js";
import { seededRng } from "../../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../../machinery/runtime/system-clock.js";
import type { ServicePortRoute } from "../table.js";
import { aBackend, aRoute } from "../testing.js";
import { startLiveDataPlane } from "./live-data-plane.js";

const TOKEN = "c0ffee";
const clock = systemClock();
const disposals: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** Two nodes with a pod each, which say their address and who called; Service default/web has 127.0.0.1 from a cloud. */
async function aCluster(changes: Partial<ServicePortRoute>) {
  const directory = mkdtempSync(join(tmpdir(), "balancer-"));
  disposals.push(() => rmSync(directory, { recursive: true, force: true }));
  const carrierSocket = join(directory, "dataplane.carrier.sock");
  const live = await startLiveDataPlane({
    clock,
    rng: seededRng("balancer"),
    logger: silentLogger,
    carrierSocket,
    clusterToken: TOKEN,
    hosts: {},
  });
  const uplink = carrierUplink(carrierSocket, TOKEN);
  const network = new VirtualNetwork({ clock, rng: seededRng("pods"), uplink });
  const carrier = join(directory, "kubelet.carrier.sock");
  const served = await startCarrier(carrier, TOKEN, network);
  disposals.push(
    () => live.close(),
    () => uplink.close(),
    () => served.close(),
  );
  for (const ip of ["10.244.1.2", "10.244.2.2"])
    network.addHost(ip).listen(8080, (connection) => {
      void connection.write(Buffer.from(`${ip} for ${connection.remote.ip}`));
      connection.end();
    });
  const port = await freePort();
  const route = aRoute("default/web", { port, loadBalancerIPs: ["127.0.0.1"], nodePort: 30_080, ...changes });
  await live.dataPlane.program({
    nodes: {
      set: [1, 2].map((number) => ({
        nodeName: `node-${number}`,
        internalIP: `172.18.0.${number + 2}`,
        podCIDRs: [`10.244.${number}.0/24`],
        carrier,
      })),
      remove: [],
    },
    tables: [{ from: 0, to: 1, set: [route], remove: [] }],
  });
  const leasing = new AbortController();
  disposals.push(() => leasing.abort());
  const query = new URLSearchParams({ servicePort: "default/web", ip: "127.0.0.1", port: String(port) });
  const lease = async () => {
    const lines = await live.loadBalancers.lease(query, leasing.signal);
    const reader = lines[Symbol.asyncIterator]();
    // The lease is given back by whoever reads it, as the admin server does when its client has gone.
    disposals.push(async () => {
      leasing.abort();
      await reader.next();
    });
    const first = await reader.next();
    return { actual: first.value?.actual as { ip: string; port: number }, reader };
  };
  return { lease, leasing, port };
}

const ask = (port: number): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    connect({ host: "127.0.0.1", port })
      .on("data", (chunk) => (text += String(chunk)))
      .on("error", (err) => resolve((err as NodeJS.ErrnoException).code ?? ""))
      .on("end", () => resolve(text));
  });

const one = aBackend("10.244.1.2", { nodeName: "node-1" });
const two = aBackend("10.244.2.2", { nodeName: "node-2" });

test("a load balancer listens at its Service's address, as long as somebody holds it", async () => {
  const { lease, leasing, port } = await aCluster({ backends: [one] });
  const { actual, reader } = await lease();

  expect(actual).toEqual({ ip: "127.0.0.1", port });
  expect(await ask(port)).toMatch(/^10\.244\.1\.2 for /);
  leasing.abort();
  await reader.next();
  expect(await ask(port)).toBe("ECONNREFUSED");
});

test("with external traffic policy Local only nodes with an endpoint get clients, who keep their address", async () => {
  const { lease, port } = await aCluster({ backends: [two], externalTrafficPolicy: "Local" });
  await lease();

  const answers = new Set([await ask(port), await ask(port), await ask(port)]);

  expect([...answers]).toEqual(["10.244.2.2 for 172.18.0.1"]);
});

test("clients enter the cluster at every node in turn", async () => {
  const { lease, port } = await aCluster({ backends: [one, two], externalTrafficPolicy: "Local" });
  await lease();

  const answers = new Set([await ask(port), await ask(port)]);

  expect([...answers].sort()).toEqual(["10.244.1.2 for 172.18.0.1", "10.244.2.2 for 172.18.0.1"]);
});

test("a Service without endpoints resets its clients", async () => {
  const { lease, port } = await aCluster({ backends: [] });
  await lease();

  expect(await ask(port)).toBe("ECONNRESET");
});

test("a port that is taken is replaced by a free one; a Service has one load balancer", async () => {
  const { lease, port } = await aCluster({ backends: [one] });
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
  disposals.push(() => squatter.close());

  const { actual } = await lease();

  expect(actual.port).not.toBe(port);
  expect(await ask(actual.port)).toMatch(/^10\.244\.1\.2 for /);
  await expect(lease()).rejects.toThrow("another tunnel serves default/web");
});
