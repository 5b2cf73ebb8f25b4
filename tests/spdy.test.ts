import { expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import type { ExecSession } from "../kubelet-sim/container-runtime.js";
import { acceptStreams, negotiate } from "../kubelet-sim/server/remote-streams.js";
import { SPDY_PROTOCOLS } from "../kubelet-sim/server/spdy-streams.js";
import { SpdySession } from "../kubelet-sim/server/spdy-session.js";
import type { SpdyStream } from "../kubelet-sim/server/spdy-stream.js";
import { carryStreams, failureStatus } from "../kubelet-sim/server/stream-session.js";
import { messagePipe } from "../machinery/client/message-pipe.js";
import { seededRng } from "../machinery/runtime/seeded-rng.js";
import { systemClock } from "../machinery/runtime/system-clock.js";
import { VirtualClock } from "../simulation/virtual-clock.js";
import { SpdyClient, textOf } from "./testkit/spdy-client.js";

const ALL = { stdin: true, stdout: true, stderr: true, tty: false };

/** A program that echoes its input, complains once, and ends with `exitCode` after its input. */
function echo(exitCode: number): ExecSession & { sizes: object[]; killed: boolean } {
  const [input, output] = messagePipe();
  let exit: (code: number) => void = () => {};
  const program = {
    sizes: [] as object[],
    killed: false,
    stdin: { write: (bytes: Uint8Array) => input.write(bytes), end: () => input.close() },
    stdout: (async function* () {
      for (let bytes = await output.read(); bytes; bytes = await output.read()) yield bytes;
      exit(exitCode);
    })(),
    stderr: (async function* () {
      yield Buffer.from("warning\n");
    })(),
    resize: (size: object) => void program.sizes.push(size),
    exited: new Promise<number>((resolve) => {
      exit = resolve;
    }),
    kill: () => {
      program.killed = true;
      input.close();
    },
  };
  return program;
}

/** exec of `program` for a client that offers these protocols. */
function execute(protocols: readonly string[], program: ExecSession, request = ALL, clock = systemClock()) {
  const [near, far] = messagePipe();
  const upgrade = { kind: "SPDY/3.1" as const, protocols, accept: () => far };
  const serve = async (): Promise<string> => {
    const streams = await acceptStreams(upgrade, request, clock);
    if (!streams) return "no streams";
    await carryStreams(streams, request, program, () => program.kill());
    return "served";
  };
  return { client: new SpdyClient(near), served: serve() };
}

test("exec over SPDY carries a stream each, and ends with the Status of the exit code", async () => {
  const program = echo(3);
  const { client, served } = execute(["v4.channel.k8s.io"], program);
  await client.open(1, { streamType: "error" });
  await client.open(3, { streamtype: "stdin" });
  await client.open(5, { streamtype: "stdout" });
  await client.open(7, { streamtype: "stderr" });
  await client.data(3, "hello ");
  await client.data(3, "world", true);
  const frames = await client.all();

  expect([textOf(frames, 5), textOf(frames, 7)]).toEqual(["hello world", "warning\n"]);
  expect(JSON.parse(textOf(frames, 1))).toMatchObject({
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] },
  });
  expect(frames.filter(({ fin }) => fin).map(({ id }) => id)).toEqual([1, 5, 7]);
  expect(frames.at(-1)?.type).toBe("go away");
  expect([await served, program.killed]).toEqual(["served", false]);
});

test.each([
  ["v3.channel.k8s.io", 3, "command terminated with non-zero exit code: command terminated with exit code 3"],
  ["v2.channel.k8s.io", 0, ""],
  ["", 0, ""],
])("version %j tells exit code %d as text", async (protocol, exitCode, text) => {
  const { client, served } = execute(protocol === "" ? [] : [protocol], echo(exitCode));
  for (const [i, streamtype] of ["error", "stdin", "stdout", "stderr"].entries())
    await client.open(1 + 2 * i, { streamtype });
  await client.data(3, "x", true);
  expect(textOf(await client.all(), 1)).toBe(text);
  await served;
});

test("a terminal's sizes come in their own stream, in pieces or together", async () => {
  const program = echo(0);
  const { client, served } = execute(["v4.channel.k8s.io"], program, { ...ALL, tty: true });
  for (const [i, streamtype] of ["error", "stdin", "stdout", "resize"].entries())
    await client.open(1 + 2 * i, { streamtype });
  await client.data(7, '{"Width":80,"Height":24}\n{"Width":132,');
  await client.data(7, '"Height":40}\n{"Width":null}\nnonsense');
  await client.data(3, "", true);
  await client.all();
  await served;
  expect(program.sizes).toEqual([
    { width: 80, height: 24 },
    { width: 132, height: 40 },
  ]);
});

test("a client that leaves ends its program", async () => {
  const program = echo(0);
  const { client, served } = execute(["v4.channel.k8s.io"], program);
  for (const [i, streamtype] of ["error", "stdin", "stdout", "stderr"].entries())
    await client.open(1 + 2 * i, { streamtype });
  client.wire.close();
  await served;
  expect(program.killed).toBe(true);
});

test("a client that does not open its streams is given thirty seconds", async () => {
  const clock = new VirtualClock();
  const { client, served } = execute(["v4.channel.k8s.io"], echo(0), ALL, clock);
  await client.open(1, { streamtype: "error" });
  const frames = client.all();
  await turns(50);
  expect(clock.nextMs).toBe(30_000);
  clock.step();
  expect(await served).toBe("no streams");
  expect((await frames).map(({ type }) => type)).toEqual(["reply", "go away"]);
});

test("protocols are negotiated in the client's order; none in common is 403", () => {
  expect(negotiate(["v2.channel.k8s.io", "v4.channel.k8s.io"], SPDY_PROTOCOLS)).toBe("v2.channel.k8s.io");
  expect(() => negotiate(["v9.channel.k8s.io", "x"], SPDY_PROTOCOLS)).toThrow(
    "unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io x], server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]",
  );
});

test("a program that could not be run is told before version 4 as text", async () => {
  const [near, far] = messagePipe();
  const client = new SpdyClient(near);
  const accepted = acceptStreams(
    { kind: "SPDY/3.1", protocols: ["v2.channel.k8s.io"], accept: () => far },
    { ...ALL, stdin: false },
    systemClock(),
  );
  for (const [i, streamtype] of ["error", "stdout", "stderr"].entries())
    await client.open(1 + 2 * i, { streamtype });
  await (await accepted)?.finish(failureStatus("no such program"));
  expect(textOf(await client.all(), 1)).toBe("Internal error occurred: no such program");
});

/** A session whose streams are echoed. */
function echoing(): { client: SpdyClient; running: Promise<void> } {
  const [near, far] = messagePipe();
  const echoBack = async (stream: SpdyStream): Promise<void> => {
    for (let bytes = await stream.read(); bytes; bytes = await stream.read()) await stream.write(bytes);
    await stream.end();
  };
  const session = new SpdySession(far, {
    accepts: (headers) => headers.get("streamtype") !== "unknown",
    opened: (stream) => void echoBack(stream).catch(() => {}),
  });
  return { client: new SpdyClient(near), running: session.run() };
}

test("pings are answered, unwanted and wrongly numbered streams reset, what has no meaning here is passed over", async () => {
  const { client, running } = echoing();
  const id = (n: number): Buffer => Buffer.from([0, 0, 0, n]);
  await client.control(4, Buffer.alloc(4)); // SETTINGS
  await client.control(9, Buffer.alloc(8)); // WINDOW_UPDATE
  await client.control(6, id(1)); // PING
  await client.open(1, { streamtype: "unknown" });
  await client.open(3, {});
  await client.open(3, {});
  await client.open(4, {});
  await client.data(99, "to nobody");
  await client.control(3, Buffer.concat([id(3), id(5)])); // RST_STREAM
  await client.open(5, { long: "x".repeat(20_000) });
  await client.data(5, "still here", true);
  const frames = [];
  for (let frame = await client.next(); frame; frame = await client.next()) {
    frames.push(frame);
    if (frame.type === "data" && frame.id === 5 && frame.fin) break;
  }
  client.wire.close();
  await running;
  expect(frames.map(({ type, id: of }) => `${type} ${of}`)).toEqual([
    "ping 1",
    "reset 1",
    "reply 3",
    "reset 3",
    "reset 4",
    "reset 99",
    "reply 5",
    "data 5",
    "data 5",
  ]);
});

test.each([
  ["a frame of sixteen megabytes", Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ["SPDY/2", Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])],
  ["a SYN_STREAM without headers", Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1])],
  ["HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
  ["headers that unpack to a hundred megabytes", bomb()],
])("%s ends the session", async (_, bytes) => {
  const { client, running } = echoing();
  await client.wire.write(bytes);
  const frames = await client.all();
  await running;
  expect(frames.map(({ type }) => type)).toEqual(["go away"]);
});

function bomb(): Buffer {
  const packed = deflateRawSync(Buffer.alloc(100_000_000));
  const body = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]),
    packed,
  ]);
  const head = Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0]);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

test("whatever bytes come, the session ends by itself or with its client, and nothing is left", async () => {
  const rng = seededRng("spdy");
  for (let round = 0; round < 300; round++) {
    const { client, running } = echoing();
    const drained = client.all().catch(() => []);
    const frames = rng.int(1, 12);
    for (let i = 0; i < frames; i++) {
      const body = Buffer.from(Array.from({ length: rng.int(0, 40) }, () => rng.int(0, 255)));
      const kind = rng.int(0, 3);
      if (kind === 0)
        await client.open(rng.int(0, 9), { streamtype: rng.pick(["data", "unknown"]) }, rng.int(0, 3));
      else if (kind === 1) await client.data(rng.int(0, 9), body, rng.next() < 0.3);
      else if (kind === 2) await client.control(rng.int(0, 12), body, rng.int(0, 255));
      else await client.wire.write(body);
    }
    client.wire.close();
    await running;
    await drained;
  }
});

test("a stream that nobody reads holds the client back at about a megabyte", async () => {
  const [near, far] = messagePipe();
  const session = new SpdySession(far, { accepts: () => true, opened: () => {} });
  const running = session.run();
  const client = new SpdyClient(near);
  await client.open(1, {});
  await client.open(3, {});
  let sent = 0;
  let moved = true;
  const chunk = randomBytes(32 * 1024);
  while (moved) {
    const writing = client.data(sent % 2 === 0 ? 1 : 3, chunk).then(() => "written" as const);
    moved = (await Promise.race([writing, turns(200)])) === "written";
    if (moved) sent++;
  }
  expect(sent * chunk.length).toBeGreaterThan(1024 * 1024);
  expect(sent * chunk.length).toBeLessThan(4 * 1024 * 1024);
  near.close();
  await running;
});

/** Long enough for whatever runs without waiting. */
async function turns(count: number): Promise<"waiting"> {
  for (let i = 0; i < count; i++) await Promise.resolve();
  return "waiting";
}
