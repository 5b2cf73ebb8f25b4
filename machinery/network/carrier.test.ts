import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { seededRng } from "../runtime/seeded-rng.js";
import { systemClock } from "../runtime/system-clock.js";
import { startCarrier } from "./carrier.js";
import { socketLocation } from "./carrier-path.js";
import { CarrierSession } from "./carrier-session.js";
import { carrierUplink } from "./carrier-uplink.js";
import type { HostNetwork } from "./host-network.js";
import type { Connection } from "./network.js";
import { relay } from "./relay.js";
import type { Uplink } from "./uplink.js";
import { VirtualNetwork } from "./virtual-network.js";

const clock = systemClock();
const TOKEN = "c0ffee";
const disposals: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "carrier-"));
  disposals.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const nowhere: Uplink = { dial: () => Promise.reject(new Error("no uplink")), sendDatagram: () => {} };
const aNetwork = (uplink: Uplink): VirtualNetwork =>
  new VirtualNetwork({ clock, rng: seededRng("carrier"), uplink });

/** Two processes: a server pod behind a carrier, and a client pod whose uplink leads straight there. */
async function twoProcesses(path = join(temporaryDirectory(), "b.sock")) {
  const server = aNetwork(nowhere).addHost("10.244.1.2");
  const inbound = aNetwork(nowhere);
  const serverHost = inbound.addHost("10.244.1.3");
  const carrier = await startCarrier(path, TOKEN, inbound);
  const uplink = carrierUplink(path, TOKEN);
  const client = aNetwork(uplink).addHost("10.244.0.2");
  disposals.push(
    () => uplink.close(),
    () => carrier.close(),
    () => server.remove("reset"),
    () => serverHost.remove("reset"),
  );
  return { client, server: serverHost, carrier, path };
}

async function readAll(connection: Connection): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await connection.read(); chunk; chunk = await connection.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function accepted(host: HostNetwork, port: number): Promise<Connection> {
  return new Promise((resolve) => {
    host.listen(port, resolve);
  });
}

test("two processes exchange bytes, and a half-close ends one direction only", async () => {
  const { client, server } = await twoProcesses();
  const arriving = accepted(server, 80);
  const near = await client.connect({ ip: "10.244.1.3", port: 80 });
  const far = await arriving;
  expect(far.remote).toEqual(near.local);
  await near.write(Buffer.from("request"));
  near.end();
  expect((await readAll(far)).toString()).toBe("request");
  await far.write(Buffer.from("answer"));
  far.end();
  expect((await readAll(near)).toString()).toBe("answer");
  await Promise.all([near.closed, far.closed]);
});

test("a reset crosses the carrier as a reset", async () => {
  const { client, server } = await twoProcesses();
  const arriving = accepted(server, 80);
  const near = await client.connect({ ip: "10.244.1.3", port: 80 });
  (await arriving).reset();
  await expect(near.read()).rejects.toMatchObject({ reason: "reset" });
});

test("refused and unreachable are told apart, and so is a process that is gone", async () => {
  const { client, carrier } = await twoProcesses();
  await expect(client.connect({ ip: "10.244.1.3", port: 81 })).rejects.toMatchObject({ reason: "refused" });
  await expect(client.connect({ ip: "10.244.1.9", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
  await carrier.close();
  await expect(client.connect({ ip: "10.244.1.3", port: 80 })).rejects.toMatchObject({
    reason: "unreachable",
  });
});

test("a carrier that was restarted is found again", async () => {
  const { client, carrier, path } = await twoProcesses();
  await expect(client.connect({ ip: "10.244.1.3", port: 81 })).rejects.toMatchObject({ reason: "refused" });
  await carrier.close();
  const inbound = aNetwork(nowhere);
  inbound.addHost("10.244.1.3").listen(81, (connection) => connection.end());
  const restarted = await startCarrier(path, TOKEN, inbound);
  disposals.push(() => restarted.close());
  const connection = await client.connect({ ip: "10.244.1.3", port: 81 });
  expect(await connection.read()).toBeUndefined();
  connection.end();
});

test("another cluster's token opens nothing", async () => {
  const { path } = await twoProcesses();
  const stranger = new CarrierSession(path, "other");
  disposals.push(() => stranger.close());
  await expect(
    stranger.dial({ ip: "10.244.0.2", port: 1 }, { ip: "10.244.1.3", port: 80 }),
  ).rejects.toMatchObject({ reason: "unreachable" });
});

test("datagrams cross the carrier with their addresses", async () => {
  const { client, server } = await twoProcesses();
  const nameServer = server.bindUdp(53);
  const resolver = client.bindUdp(0);
  resolver.send({ ip: "10.244.1.3", port: 53 }, Buffer.from("a?"));
  const query = await nameServer.receive();
  expect(Buffer.from(query?.bytes ?? []).toString()).toBe("a?");
  expect(query?.from).toEqual(resolver.address);
});

test("a socket path that is too long for the kernel still works", async () => {
  const path = join(temporaryDirectory(), "x".repeat(120), "b.sock");
  expect(socketLocation(path).length).toBeLessThanOrEqual(100);
  const { client, server } = await twoProcesses(path);
  server.listen(80, (connection) => connection.end());
  const connection = await client.connect({ ip: "10.244.1.3", port: 80 });
  expect(await connection.read()).toBeUndefined();
  connection.end();
});

test("a relay passes a megabyte each way, byte for byte, whatever the chunks", async () => {
  const { client, server } = await twoProcesses();
  server.listen(80, (connection) => void relayBack(connection));
  const near = await client.connect({ ip: "10.244.1.3", port: 80 });
  const rng = seededRng("bytes");
  const sent = Buffer.from(Array.from({ length: 1 << 20 }, () => rng.int(0, 255)));
  const echoed = readAll(near);
  for (let at = 0; at < sent.length; ) {
    const size = rng.int(1, 40_000);
    await near.write(sent.subarray(at, at + size));
    at += size;
  }
  near.end();
  expect((await echoed).equals(sent)).toBe(true);
});

async function relayBack(connection: Connection): Promise<void> {
  for (let bytes = await connection.read(); bytes; bytes = await connection.read())
    await connection.write(bytes);
  connection.end();
}

test("a relay between sockets keeps half-close, counts bytes, and hands a reset on", async () => {
  const { client, server } = await twoProcesses();
  const behind = accepted(server, 8080);
  const results: Promise<{ forthBytes: number; backBytes: number; reset: boolean }>[] = [];
  const second = carrierUplink((await twoProcesses()).path, TOKEN);
  second.close();
  server.listen(80, (connection) => {
    results.push(
      (async () => {
        const onward = await client.connect({ ip: "10.244.1.3", port: 8080 });
        return relay(connection as Parameters<typeof relay>[0], onward as Parameters<typeof relay>[0]);
      })(),
    );
  });
  const near = await client.connect({ ip: "10.244.1.3", port: 80 });
  await near.write(Buffer.from("12345"));
  near.end();
  const far = await behind;
  expect((await readAll(far)).toString()).toBe("12345");
  await far.write(Buffer.from("123"));
  far.end();
  expect((await readAll(near)).toString()).toBe("123");
  expect(await results[0]).toEqual({ forthBytes: 5, backBytes: 3, reset: false });
});

test("a client that sends nothing sensible is cut off", async () => {
  const { path } = await twoProcesses();
  const socket = connect({ path });
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await new Promise((resolve) => socket.once("close", resolve).resume());
});
