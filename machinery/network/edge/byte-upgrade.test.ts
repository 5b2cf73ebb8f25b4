import { afterEach, expect, test } from "@jest/globals";
import { type Socket, connect } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { type HttpHandler, type HttpRequest, type Transport, UpgradeRefused } from "../../api/http.js";
import { silentLogger } from "../../api/logger.js";
import { systemClock } from "../../runtime/system-clock.js";
import type { Network } from "../network.js";
import { SocketConnection } from "../socket-connection.js";
import { HttpEdge } from "./http-server.js";
import { networkTransport } from "./network-transport.js";

const disposals: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

async function serve(upgrade: HttpHandler["upgrade"]): Promise<number> {
  const edge = new HttpEdge({
    handler: { request: async () => ({ status: 404, headers: {}, body: new Uint8Array() }), upgrade },
    clock: systemClock(),
    logger: silentLogger,
  });
  disposals.push(() => edge.close(100));
  return edge.listen(0, "127.0.0.1");
}

/** A transport whose network is this machine. */
function transportTo(port: number, tls?: object): Transport {
  const at = { ip: "127.0.0.1", port };
  const network = {
    connect: async () => {
      const socket: Socket = connect({ host: at.ip, port, allowHalfOpen: true });
      await new Promise((resolve) => socket.once("connect", resolve));
      return new SocketConnection(socket, at, at);
    },
  } as unknown as Network;
  return networkTransport({ network, to: at, clock: systemClock(), ...(tls ? { tls } : {}) });
}

const SPDY: HttpRequest = { method: "POST", path: "/exec", headers: { upgrade: "SPDY/3.1" } };

/** Answers all that came once the client has ended. */
const tell: HttpHandler["upgrade"] = async (_request, upgrade) => {
  const stream = upgrade.accept(upgrade.protocols.at(-1) ?? "");
  await stream.write(Buffer.from(`${upgrade.kind} ${upgrade.protocols.join(" ")}\n`));
  let count = 0;
  while (count < 10_000_000) count += (await stream.read())?.length ?? Infinity;
  await stream.write(Buffer.from(`${count} bytes`));
  stream.close();
  return undefined;
};

async function text(read: () => Promise<Uint8Array | undefined>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let bytes = await read(); bytes; bytes = await read()) chunks.push(bytes);
  return Buffer.concat(chunks).toString();
}

test("SPDY's bytes pass as they are, and the last words arrive although more was sent than was read", async () => {
  const port = await serve(tell);
  const { protocol, stream } = await transportTo(port).upgrade(SPDY, ["v4.channel.k8s.io", "channel.k8s.io"]);
  const writing = (async () => {
    for (let i = 0; i < 200; i++) await stream.write(Buffer.alloc(64 * 1024));
  })().catch(() => {});
  const answer = await text(() => stream.read());
  await writing;
  stream.close();
  await stream.closed;
  expect(protocol).toBe("channel.k8s.io");
  expect(answer).toMatch(/^SPDY\/3\.1 v4\.channel\.k8s\.io channel\.k8s\.io\n10\d{6} bytes$/);
});

test("a client may name its protocols in one header or in several, or none", async () => {
  const port = await serve(async (_request, upgrade) => {
    const stream = upgrade.accept(upgrade.protocols[0] ?? "");
    await stream.write(Buffer.from(upgrade.protocols.join("+")));
    stream.close();
    return undefined;
  });
  const ask = async (...headers: string[]): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    const head = [
      "POST / HTTP/1.1",
      "Host: x",
      "Connection: Upgrade",
      "Upgrade: spdy/3.1",
      ...headers,
      "\r\n",
    ];
    socket.write(head.join("\r\n"));
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  };
  const two = await ask("X-Stream-Protocol-Version: a", "X-Stream-Protocol-Version: b, c");
  expect(two).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: a\r\n\r\na+b+c",
  );
  expect(await ask("Content-Length: 0")).toBe(
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n",
  );
});

test("a refusal of SPDY is an ordinary answer", async () => {
  const port = await serve(async () => ({ status: 403, headers: { "x-why": "1" }, body: Buffer.from("no") }));
  const refused = transportTo(port).upgrade(SPDY, []);
  await expect(refused).rejects.toBeInstanceOf(UpgradeRefused);
  await expect(refused).rejects.toMatchObject({ response: { status: 403, headers: { "x-why": "1" } } });
});

test("a WebSocket through a proxy keeps text as text, its protocol and its close code", async () => {
  const backend = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "chat" });
  disposals.push(() => backend.close());
  backend.on("connection", (socket) =>
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      socket.send(data, { binary: isBinary });
      if (String(data) === "bye") socket.close(4001, "as you wish");
    }),
  );
  await new Promise((resolve) => backend.once("listening", resolve));
  const behind = transportTo((backend.address() as { port: number }).port);
  const port = await serve(async (request, upgrade, signal) => {
    const answered = await behind.upgradeBytes?.(request, signal);
    const client = answered && upgrade.acceptBytes?.(answered.headers);
    if (!client) return { status: 500, headers: {}, body: new Uint8Array() };
    const copy = async (from: typeof client, to: typeof client): Promise<void> => {
      for (let bytes = await from.read(); bytes; bytes = await from.read()) await to.write(bytes);
      to.close();
    };
    await Promise.allSettled([copy(client, answered.stream), copy(answered.stream, client)]);
    return undefined;
  });

  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ["chat", "other"]);
  const received: [string, boolean][] = [];
  socket.on("message", (data: Buffer, isBinary: boolean) => received.push([String(data), isBinary]));
  socket.once("open", () => {
    socket.send("text");
    socket.send(Buffer.from("bytes"));
    socket.send("bye");
  });
  const [code, reason] = await new Promise<[number, Buffer]>((resolve) =>
    socket.once("close", (...end) => resolve(end)),
  );
  expect(received).toEqual([
    ["text", false],
    ["bytes", true],
    ["bye", false],
  ]);
  expect([socket.protocol, code, String(reason)]).toEqual(["chat", 4001, "as you wish"]);
});

test("a server that answers a TLS handshake with HTTP is told in Go's words", async () => {
  const port = await serve(async () => undefined);
  await expect(transportTo(port, {}).request({ method: "GET", path: "/", headers: {} })).rejects.toThrow(
    "http: server gave HTTP response to HTTPS client",
  );
});
