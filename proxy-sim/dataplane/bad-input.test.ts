import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../machinery/api/logger.js";
import { MemoryCarriers } from "../../machinery/network/memory-carriers.js";
import type { Connection } from "../../machinery/network/network.js";
import { VirtualNetwork } from "../../machinery/network/virtual-network.js";
import { seededRng } from "../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { turn } from "../../machinery/runtime/turn.js";
import { balancers } from "../balancers/balancers.js";
import { memoryDialer } from "./carrier-dialer.js";
import { DataPlane, type DataPlaneOptions } from "./data-plane.js";
import type { Packet } from "./decision.js";
import type { Backend } from "./table.js";
import { aBackend, aRoute } from "./testing.js";

const clock = systemClock();
const running: DataPlane[] = [];
afterEach(async () => {
  for (const dataPlane of running.splice(0)) await dataPlane.close();
});

const SERVER = "10.244.1.2";
const WEB = { ip: "10.96.0.10", port: 80 };
const toWeb: Packet = { protocol: "TCP", from: { ip: "10.244.1.9", port: 40_000 }, to: WEB };

/** A node with a Service `web`, whose one endpoint is the pod that `serve` speaks for. */
async function aCluster(
  serve: (connection: Connection) => void = () => {},
  { backends = [aBackend(SERVER)], ...options }: Partial<DataPlaneOptions> & { backends?: Backend[] } = {},
) {
  const carriers = new MemoryCarriers({ clock, latency: () => 0 });
  const dataPlane = new DataPlane({
    clock,
    rng: seededRng("bad"),
    logger: silentLogger,
    dialCarrier: memoryDialer(carriers),
    ...options,
  });
  running.push(dataPlane);
  const network = new VirtualNetwork({ clock, rng: seededRng("network"), uplink: dataPlane });
  carriers.register("kubelet", network);
  const node = {
    nodeName: "node-1",
    internalIP: "172.18.0.3",
    podCIDRs: ["10.244.1.0/24"],
    carrier: "kubelet",
  };
  const other = aRoute("default/other", { clusterIPs: ["10.96.0.11"], backends: [aBackend(SERVER)] });
  await dataPlane.program({
    nodes: { set: [node], remove: [] },
    tables: [{ from: 0, to: 1, set: [aRoute("default/web", { backends }), other], remove: [] }],
  });
  const server = network.addHost(SERVER);
  server.listen(8080, serve);
  return { dataPlane, network, server, client: network.addHost("10.244.1.9") };
}

test.each([
  ["127.0.0.1", "is a loopback address"],
  ["10.96.0.11", "is a Service's address"],
])("an endpoint at %s gets nobody: what was translated once is not translated again", async (ip, reason) => {
  for (const balancer of balancers) {
    const { dataPlane } = await aCluster(undefined, { balancer, backends: [aBackend(ip, { port: 80 })] });
    const decision = dataPlane.router.decide(toWeb);
    expect(decision).toMatchObject({
      verdict: "timed-out",
      reason: expect.stringContaining(reason) as never,
    });
    expect(dataPlane.trace(toWeb).verdict).toBe("timed-out");
  }
});

test("connections beyond the limit are refused and said so, and there is room again when one ends", async () => {
  const { dataPlane, client } = await aCluster(undefined, { mostConnections: 3 });
  const open = await Promise.all([1, 2, 3].map(() => client.connect(WEB)));
  await expect(client.connect(WEB)).rejects.toMatchObject({ reason: "refused" });
  expect(dataPlane.flows.list().at(-1)).toMatchObject({
    outcome: "refused",
    reason: "3 connections are open",
  });
  const ended = open[0] && dataPlane.flows.list()[0];
  open[0]?.reset();
  while (ended?.durationMs === undefined) await turn();
  await expect(client.connect(WEB)).resolves.toBeDefined();
});

test("a client that opens and never sends costs one entry, and nobody else waits for it", async () => {
  const { dataPlane, client } = await aCluster((connection) => {
    void connection.read().then((bytes) => bytes && connection.write(bytes));
  });
  await client.connect(WEB);
  const other = await client.connect(WEB);
  await other.write(Buffer.from("hello"));
  expect(Buffer.from((await other.read()) ?? []).toString()).toBe("hello");
  expect(dataPlane.flows.active).toBe(2);
});

test("a client that never reads stops its backend before much is under way", async () => {
  let written = 0;
  const { client } = await aCluster((connection) => {
    void (async () => {
      for (;;) {
        await connection.write(new Uint8Array(16_384));
        written += 16_384;
      }
    })().catch(() => {});
  });
  const connection = await client.connect(WEB);
  for (let before = -1; written > before; await turn()) before = written;
  expect(written).toBeLessThan(1_000_000);
  connection.reset();
});

test("a backend that resets, one that hangs and one that answers byte by byte harm only their own client", async () => {
  const { dataPlane, client } = await aCluster((connection) => {
    void connection.read().then(async (bytes) => {
      const asked = Buffer.from(bytes ?? []).toString();
      if (asked === "reset") connection.reset();
      if (asked !== "slow") return;
      for (const byte of Buffer.from("byte by byte")) await connection.write(Uint8Array.of(byte));
      connection.end();
    });
  });
  const ask = async (
    text: string,
  ): Promise<{ connection: Connection; first: Promise<Uint8Array | undefined> }> => {
    const connection = await client.connect(WEB);
    const first = connection.read();
    first.catch(() => {});
    await connection.write(Buffer.from(text));
    return { connection, first };
  };
  const reset = await ask("reset");
  const hung = await ask("hang");
  const slow = await ask("slow");
  await expect(reset.first).rejects.toMatchObject({ reason: "reset" });
  let answer = "";
  for (let bytes = await slow.first; bytes; bytes = await slow.connection.read())
    answer += Buffer.from(bytes).toString();
  expect(answer).toBe("byte by byte");
  expect(dataPlane.flows.list().map(({ outcome }) => outcome)).toEqual(["reset", "open", "open"]);
  hung.connection.reset();
});

test("a pod that is killed resets its clients; one that vanishes leaves them half-open", async () => {
  const { server, client, network } = await aCluster();
  const killed = await client.connect(WEB);
  server.remove("reset");
  await expect(killed.read()).rejects.toMatchObject({ reason: "reset" });
  const again = network.addHost(SERVER);
  again.listen(8080, () => {});
  const silent = await client.connect(WEB);
  again.remove("vanish");
  const first = await Promise.race([silent.read().then(() => "something"), turn().then(() => "nothing")]);
  expect(first).toBe("nothing");
  silent.reset();
});
