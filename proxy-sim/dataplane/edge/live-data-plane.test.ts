import { mkdtempSync, rmSync } from "node:fs";
import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "../../../machinery/api/logger.js";
import { parseAddress } from "../../../machinery/network/addresses.js";
import { startCarrier } from "../../../machinery/network/carrier.js";
import { carrierUplink } from "../../../machinery/network/carrier-uplink.js";
import type { Connection } from "../../../machinery/network/network.js";
import { VirtualNetwork } from "../../../machinery/network/virtual-network.js";
import { seededRng } from "../../../machinery/runtime/seeded-rng.js";
import { systemClock } from "../../../machinery/runtime/system-clock.js";
import { turn } from "../../../machinery/runtime/turn.js";
import type { DataPlane } from "../data-plane.js";
import { aBackend, aRoute } from "../testing.js";
import { startLiveDataPlane } from "./live-data-plane.js";

const TOKEN = "c0ffee";
const clock = systemClock();
const disposals: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

/** A data plane and two kubelet processes, one node each. */
async function aCluster({ openFiles }: { openFiles?: number } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "dataplane-"));
  disposals.push(() => rmSync(directory, { recursive: true, force: true }));
  const carrierSocket = join(directory, "dataplane.carrier.sock");
  const live = await startLiveDataPlane({
    clock,
    rng: seededRng("live"),
    logger: silentLogger,
    carrierSocket,
    clusterToken: TOKEN,
    hosts: {},
    openFiles,
  });
  disposals.push(() => live.close());
  const process = async (name: string) => {
    const uplink = carrierUplink(carrierSocket, TOKEN);
    const network = new VirtualNetwork({ clock, rng: seededRng(name), uplink });
    const socketPath = join(directory, `${name}.carrier.sock`);
    const carrier = await startCarrier(socketPath, TOKEN, network);
    disposals.push(
      () => uplink.close(),
      () => carrier.close(),
    );
    return { network, socketPath };
  };
  const [one, two] = [await process("kubelet-1"), await process("kubelet-2")];
  await live.dataPlane.program({
    nodes: {
      set: [
        {
          nodeName: "node-1",
          internalIP: "172.18.0.3",
          podCIDRs: ["10.244.0.0/24"],
          carrier: one.socketPath,
        },
        {
          nodeName: "node-2",
          internalIP: "172.18.0.4",
          podCIDRs: ["10.244.1.0/24"],
          carrier: two.socketPath,
        },
      ],
      remove: [],
    },
  });
  const server = two.network.addHost("10.244.1.2");
  const client = one.network.addHost("10.244.0.2");
  disposals.push(
    () => server.remove("reset"),
    () => client.remove("reset"),
  );
  return { dataPlane: live.dataPlane, server, client, network: two.network };
}

async function readAll(connection: Connection): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await connection.read(); chunk; chunk = await connection.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const echo = (connection: Connection): void => {
  void (async () => {
    await connection.write(Buffer.from(`from ${connection.remote.ip}: ${await readAll(connection)}`));
    connection.end();
  })();
};

const web = aRoute("default/web", { backends: [aBackend("10.244.1.2", { nodeName: "node-2", port: 8080 })] });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** What the host gets from a port: the answer, or the code of the error. */
function ask(address: string, request: string): Promise<string> {
  const { ip, port } = parseAddress(address) ?? { ip: "", port: 0 };
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: ip, port, allowHalfOpen: true }, () => socket.end(request));
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("end", () => resolve(answer));
    socket.on("error", (err) => resolve((err as NodeJS.ErrnoException).code ?? "error"));
  });
}

const ended = (dataPlane: DataPlane) =>
  dataPlane.flows.list().filter((flow) => flow.durationMs !== undefined);

async function endedFlow(dataPlane: DataPlane) {
  const watching = new AbortController();
  disposals.push(() => watching.abort());
  for await (const flow of dataPlane.flows.watch({}, watching.signal)) {
    if (ended(dataPlane).length > 0) return ended(dataPlane)[0];
    if ("durationMs" in flow) return flow;
  }
  return undefined;
}

test("a pod reaches another process' pod through a Service's address, and the flow log says how", async () => {
  const { dataPlane, server, client } = await aCluster();
  server.listen(8080, echo);
  await dataPlane.program({ tables: [{ from: 0, to: 7, set: [web], remove: [] }] });
  const logged = endedFlow(dataPlane);
  const connection = await client.connect({ ip: "10.96.0.10", port: 80 });
  await connection.write(Buffer.from("hello"));
  connection.end();
  expect(await readAll(connection)).toBe("from 10.244.0.2: hello");
  expect(await logged).toMatchObject({
    source: `10.244.0.2:${connection.local.port}`,
    sourceNode: "node-1",
    destination: "10.96.0.10:80",
    servicePort: "default/web",
    backend: "10.244.1.2:8080",
    tableRevision: 7,
    outcome: "open",
    sentBytes: 5,
    receivedBytes: 22,
  });
});

test("a Service without endpoints refuses, an unknown pod is unreachable", async () => {
  const { dataPlane, client } = await aCluster();
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [{ ...web, backends: [] }], remove: [] }] });
  await expect(client.connect({ ip: "10.96.0.10", port: 80 })).rejects.toMatchObject({ reason: "refused" });
  await expect(client.connect({ ip: "10.244.1.77", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
  await expect(client.connect({ ip: "10.244.1.2", port: 81 })).rejects.toMatchObject({ reason: "refused" });
});

test("the host reaches a node port, and a Service without endpoints refuses it", async () => {
  const { dataPlane, server } = await aCluster();
  server.listen(8080, echo);
  const nodePort = await freePort();
  const route = { ...web, nodePort };
  const result = await dataPlane.program({ tables: [{ from: 0, to: 1, set: [route], remove: [] }] });
  const address = `127.0.0.1:${nodePort}`;
  expect(result).toMatchObject({ hostPorts: [{ wanted: address, actual: address, node: "node-1" }] });
  // Masqueraded: node-1 forwarded it to node-2.
  expect(await ask(address, "GET /")).toBe("from 172.18.0.3: GET /");
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [{ ...route, backends: [] }], remove: [] }] });
  expect(await ask(address, "GET /")).toBe("ECONNREFUSED");
  await dataPlane.program({ tables: [{ from: 2, to: 3, set: [route], remove: [] }] });
  server.remove("reset");
  expect(await ask(address, "GET /")).toBe("ECONNRESET");
});

test("a node port that is taken on the host moves to a free one, and says so", async () => {
  const { dataPlane, server } = await aCluster();
  server.listen(8080, echo);
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  disposals.push(() => new Promise((resolve) => squatter.close(resolve)));
  const taken = squatter.address();
  const nodePort = typeof taken === "object" && taken ? taken.port : 0;
  const result = await dataPlane.program({
    tables: [{ from: 0, to: 1, set: [{ ...web, nodePort }], remove: [] }],
  });
  const [hostPort] = result.kind === "programmed" ? result.hostPorts : [];
  expect(hostPort?.problem).toContain("EADDRINUSE");
  expect(hostPort?.actual).not.toBe(hostPort?.wanted);
  expect(hostPort?.problem).toContain(String(nodePort));
  expect(await ask(hostPort?.actual ?? "", "x")).toBe("from 172.18.0.3: x");
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [], remove: [web.servicePort] }] });
  const again = await dataPlane.program({
    tables: [{ from: 2, to: 3, set: [{ ...web, nodePort }], remove: [] }],
  });
  expect(again.kind === "programmed" ? again.hostPorts[0]?.actual : undefined).toBe(hostPort?.actual);
});

test("connections stop where the process's open files would, are refused, and leave room when they end", async () => {
  const { dataPlane, server } = await aCluster({ openFiles: 40 });
  const port = await freePort();
  server.listen(8080, (connection) => void connection.read().then(connection.end.bind(connection), () => {}));
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [{ ...web, nodePort: port }], remove: [] }] });
  const dial = (): Socket => {
    const socket = connect({ host: "127.0.0.1", port }).on("error", () => {});
    disposals.push(() => socket.destroy());
    return socket;
  };
  const flows = () => dataPlane.flows.list();
  // Half of 40, two for each connection.
  const sockets = Array.from({ length: 10 }, dial);
  while (flows().filter(({ outcome }) => outcome === "open").length < 10) await turn();
  await new Promise((resolve) => dial().once("close", resolve));
  expect(flows().at(-1)).toMatchObject({ outcome: "refused", reason: "10 connections are open" });
  for (const socket of sockets) socket.destroy();
  while (dataPlane.flows.active > 0) await turn();
  dial();
  while (flows().at(-1)?.outcome !== "open") await turn();
});

test("an established connection outlives its endpoint's removal from the table", async () => {
  const { dataPlane, server, client } = await aCluster();
  server.listen(8080, echo);
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [web], remove: [] }] });
  const connection = await client.connect({ ip: "10.96.0.10", port: 80 });
  await dataPlane.program({ tables: [{ from: 1, to: 2, set: [], remove: ["default/web"] }] });
  await connection.write(Buffer.from("still here"));
  connection.end();
  expect(await readAll(connection)).toBe("from 10.244.0.2: still here");
});

test("a reset crosses the data plane, and the flow log notes it", async () => {
  const { dataPlane, server, client } = await aCluster();
  server.listen(8080, (connection) => connection.reset());
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [web], remove: [] }] });
  const logged = endedFlow(dataPlane);
  const connection = await client.connect({ ip: "10.96.0.10", port: 80 });
  await expect(connection.read()).rejects.toMatchObject({ reason: "reset" });
  expect(await logged).toMatchObject({ outcome: "reset" });
});

test("a DNS query reaches a backend of the Service, and the answer comes from the Service's address", async () => {
  const { dataPlane, server, client } = await aCluster();
  const dns = aRoute("kube-system/kube-dns:dns", {
    protocol: "UDP",
    port: 53,
    backends: [aBackend("10.244.1.2", { nodeName: "node-2", port: 53 })],
  });
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [dns], remove: [] }] });
  const nameServer = server.bindUdp(53);
  const resolver = client.bindUdp(0);
  resolver.send({ ip: "10.96.0.10", port: 53 }, Buffer.from("query"));
  const query = await nameServer.receive();
  nameServer.send(query?.from ?? { ip: "", port: 0 }, Buffer.from("answer"));
  const answer = await resolver.receive();
  expect(answer?.from).toEqual({ ip: "10.96.0.10", port: 53 });
  expect(Buffer.from(answer?.bytes ?? []).toString()).toBe("answer");
});

test("a UDP node port on the host leads to a backend, and its answers back to the host", async () => {
  const { dataPlane, server } = await aCluster();
  const nodePort = await freePort();
  const backends = [aBackend("10.244.1.2", { nodeName: "node-2", port: 53 })];
  const dns = aRoute("kube-system/kube-dns:dns", { protocol: "UDP", port: 53, nodePort, backends });
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [dns], remove: [] }] });
  const nameServer = server.bindUdp(53);
  const host = createSocket("udp4");
  disposals.push(() => host.close());
  const answered = new Promise<Buffer>((resolve) => host.once("message", resolve));
  host.send("query", nodePort, "127.0.0.1");
  const query = await nameServer.receive();
  expect(query?.from.ip).toBe("172.18.0.3");
  nameServer.send(query?.from ?? { ip: "", port: 0 }, Buffer.from("answer"));
  expect((await answered).toString()).toBe("answer");
});

test("the data plane asks cluster DNS for the host, and gives up on a server that is silent", async () => {
  const { dataPlane, server } = await aCluster();
  const backends = [aBackend("10.244.1.2", { nodeName: "node-2", port: 53 })];
  const dns = aRoute("kube-system/kube-dns:dns", { protocol: "UDP", port: 53, backends });
  await dataPlane.program({ tables: [{ from: 0, to: 1, set: [dns], remove: [] }] });
  const nameServer = server.bindUdp(53);
  const asking = dataPlane.exchange({ ip: "10.96.0.10", port: 53 }, Buffer.from("query"), 5000);
  const query = await nameServer.receive();
  nameServer.send(query?.from ?? { ip: "", port: 0 }, Buffer.from("answer"));
  expect(Buffer.from(await asking).toString()).toBe("answer");
  await expect(
    dataPlane.exchange({ ip: "10.96.0.10", port: 53 }, Buffer.from("query"), 1),
  ).rejects.toMatchObject({ reason: "timed-out" });
});
