import { expect, test } from "@jest/globals";
import { portForward } from "../kubelet-sim/server/port-forward.js";
import { messagePipe } from "../machinery/client/message-pipe.js";
import { type Connection, ConnectionError } from "../machinery/network/network.js";
import { VirtualNetwork } from "../machinery/network/virtual-network.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { SpdyClient, type SpdyFrame, textOf } from "./testkit/spdy-client.js";

const FAILED =
  'error forwarding port 80 to pod 5a9d, uid : failed to execute portforward in network namespace "/var/run/netns/cni-1": ';

/** A pod that serves port 80, and kubectl connected to it. */
function aPod(serve: (connection: Connection) => Promise<void> = echo, clock = systemClock()) {
  const network = new VirtualNetwork({
    clock: systemClock(),
    rng: seededRng(1),
    uplink: { dial: () => Promise.reject(new ConnectionError("unreachable")), sendDatagram: () => {} },
  }).addHost(["10.244.0.2"]);
  network.listen(80, (connection) => {
    serve(connection).catch(() => connection.reset());
  });
  const sandbox = { id: "5a9d", networkNamespace: "/var/run/netns/cni-1", isLive: true, network };
  const [near, far] = messagePipe();
  const stopping = new AbortController();
  const serving = portForward(far, sandbox, clock, stopping.signal);
  return { client: new SpdyClient(near), sandbox, serving, clock, stopping };
}

async function echo(connection: Connection): Promise<void> {
  for (let bytes = await connection.read(); bytes; bytes = await connection.read())
    await connection.write(Buffer.from(`you said ${Buffer.from(bytes).toString()}`));
  connection.end();
}

async function open(client: SpdyClient, port: number | string, first = 1, requestid = "0"): Promise<void> {
  await client.open(first, { streamtype: "error", port: String(port), requestid }, 1);
  await client.open(first + 2, { streamtype: "data", port: String(port), requestid });
}

/** What arrives until these streams are at their end. */
async function until(client: SpdyClient, ...ended: number[]): Promise<SpdyFrame[]> {
  const frames: SpdyFrame[] = [];
  const waiting = new Set(ended);
  while (waiting.size > 0) {
    const frame = await client.next();
    if (!frame) throw new Error("the session ended");
    frames.push(frame);
    if (frame.type === "data" && frame.fin) waiting.delete(frame.id);
  }
  return frames;
}

test("a forwarded connection reaches the pod's port and ends in both directions", async () => {
  const { client, serving } = aPod();
  await open(client, 80);
  await client.data(3, "hello", true);
  const frames = await until(client, 1, 3);
  client.wire.close();
  await serving;
  expect([textOf(frames, 1), textOf(frames, 3)]).toEqual(["", "you said hello"]);
});

test("many connections are forwarded at once, each with its own bytes", async () => {
  const { client, serving } = aPod();
  const firsts = Array.from({ length: 200 }, (_, i) => 1 + 4 * i);
  const frames = until(client, ...firsts.map((first) => first + 2));
  for (const first of firsts) await open(client, 80, first, String(first));
  for (const first of firsts) await client.data(first + 2, `${first}`, true);
  const received = await frames;
  client.wire.close();
  await serving;
  expect(firsts.map((first) => textOf(received, first + 2))).toEqual(
    firsts.map((first) => `you said ${first}`),
  );
});

test("a port that nobody listens on is told on the error stream", async () => {
  const { client, serving } = aPod();
  await open(client, 81);
  const frames = await until(client, 1, 3);
  client.wire.close();
  await serving;
  expect(textOf(frames, 1)).toBe(
    'error forwarding port 81 to pod 5a9d, uid : failed to execute portforward in network namespace "/var/run/netns/cni-1": failed to connect to localhost:81 inside namespace "5a9d", IPv4: dial tcp4 127.0.0.1:81: connect: connection refused IPv6 dial tcp6: address localhost: no suitable address',
  );
});

test("a pod that dies resets its connections, and takes no more", async () => {
  const { client, serving, sandbox } = aPod(async (connection) => {
    await connection.read();
    connection.reset();
  });
  await open(client, 80);
  await client.data(3, "hello");
  const cut = await until(client, 1);
  sandbox.isLive = false;
  await open(client, 80, 5, "1");
  const closed = await until(client, 5);
  client.wire.close();
  await serving;
  expect(textOf(cut, 1)).toMatch(
    /^error forwarding port 80 to pod 5a9d, uid : failed to execute portforward/,
  );
  expect(textOf(cut, 1).replace(/127\.0\.0\.1:\d{4,}/, "CLIENT")).toBe(
    `${FAILED}read tcp4 CLIENT->127.0.0.1:80: read: connection reset by peer`,
  );
  expect(textOf(closed, 5)).toBe(
    'error forwarding port 80 to pod 5a9d, uid : network namespace for sandbox "5a9d" is closed',
  );
});

test("a pod's end of a connection is followed by the client's within a second", async () => {
  const clock = new VirtualClock();
  const { client, serving } = aPod(async (connection) => connection.end(), clock);
  await open(client, 80);
  await until(client, 3);
  for (let i = 0; clock.nextMs !== 1000 && i < 100; i++) await Promise.resolve();
  clock.step();
  await until(client, 1);
  client.wire.close();
  await serving;
  expect(clock.pending).toBe(0);
});

test("streams that are no pair of a port are reset; one that stays alone is ended after thirty seconds", async () => {
  const clock = new VirtualClock();
  const { client, serving } = aPod(echo, clock);
  for (const [i, port] of ["0", "65536", "http", ""].entries())
    await client.open(1 + 2 * i, { streamtype: "data", port, requestid: "0" });
  await client.open(9, { streamtype: "stdin", port: "80" });
  await client.open(11, { streamtype: "error", port: "80", requestid: "1" }, 1);
  const frames = [];
  for (let i = 0; i < 6; i++) frames.push(await client.next());
  expect(frames.map((frame) => `${frame?.type} ${frame?.id}`)).toEqual([
    "reset 1",
    "reset 3",
    "reset 5",
    "reset 7",
    "reset 9",
    "reply 11",
  ]);
  expect(clock.nextMs).toBe(30_000);
  clock.step();
  expect(textOf(await until(client, 11), 11)).toContain("timed out waiting for streams");
  client.wire.close();
  await serving;
});

test("clients without request ids pair a data stream with the error stream before it", async () => {
  const { client, serving } = aPod();
  await client.open(1, { streamtype: "error", port: "80" }, 1);
  await client.open(3, { streamtype: "data", port: "80" });
  await client.data(3, "old", true);
  expect(textOf(await until(client, 1, 3), 3)).toBe("you said old");
  client.wire.close();
  await serving;
});

test("a node that stops ends the session, which kubectl shows as a lost connection to the pod", async () => {
  const { client, serving, stopping } = aPod();
  await open(client, 80);
  stopping.abort();
  await serving;
  let frame = await client.next();
  while (frame) frame = await client.next();
});
