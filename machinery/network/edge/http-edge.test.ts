import { afterEach, expect, test } from "@jest/globals";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { type HttpHandler, readBody } from "../../api/http.js";
import { silentLogger } from "../../api/logger.js";
import { systemClock } from "../../runtime/system-clock.js";
import type { Connection, Network, SocketAddress } from "../network.js";
import { HttpEdge, type HttpEdgeOptions } from "./http-server.js";
import { networkTransport } from "./network-transport.js";
import { ListenError } from "./listen-error.js";

const edges: HttpEdge[] = [];
afterEach(async () => {
  for (const edge of edges.splice(0)) await edge.close(100);
});

function edgeOf(handler: Partial<HttpHandler>, options: Partial<HttpEdgeOptions> = {}): HttpEdge {
  const edge = new HttpEdge({
    handler: {
      request: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
      upgrade: async () => ({ status: 400, headers: {}, body: Buffer.from("no") }),
      ...handler,
    },
    clock: systemClock(),
    logger: silentLogger,
    ...options,
  });
  edges.push(edge);
  return edge;
}

const echo: HttpHandler["request"] = async (request) => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: Buffer.from(
    JSON.stringify({ ...request, body: Buffer.from(await readBody(request.body)).toString("latin1").length }),
  ),
});

test("a request reaches the handler with its path, headers and body", async () => {
  const port = await edgeOf({ request: echo }).listen(0, "127.0.0.1");
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/pods?watch=1`, {
    method: "POST",
    body: "hello",
    headers: { __proto__x: "1", Accept: "application/json" },
  });
  expect(await answer.json()).toMatchObject({
    method: "POST",
    path: "/api/v1/pods?watch=1",
    headers: { accept: "application/json" },
    body: 5,
  });
});

test("repeated Impersonate-Group headers stay apart", async () => {
  const port = await edgeOf({ request: echo }).listen(0, "127.0.0.1");
  const text = await new Promise<string>((resolve) => {
    httpRequest({ port, headers: { "Impersonate-Group": ["a, b", "c"] } }, (answer) =>
      resolve(readBody(answer).then((body) => Buffer.from(body).toString())),
    ).end();
  });
  expect(JSON.parse(text).headers["impersonate-group"]).toBe("a, b\u0000c");
});

test("a body over three mebibytes is answered 413 and the connection survives", async () => {
  const port = await edgeOf({ request: echo }).listen(0, "127.0.0.1");
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: Buffer.alloc(20_000_000) });
  expect(answer.status).toBe(413);
  expect(await answer.json()).toMatchObject({
    reason: "RequestEntityTooLarge",
    message: "Request entity is too large: limit is 3145728",
  });
});

test("a watch is aborted when its client goes away", async () => {
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  async function* forever(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from("one\n");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    } finally {
      ended();
    }
  }
  const edge = edgeOf({
    request: async (_request, signal) => ({ status: 200, headers: {}, body: forever(signal) }),
  });
  const port = await edge.listen(0, "127.0.0.1");
  const controller = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: controller.signal });
  const reader = answer.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("one\n");
  controller.abort();
  await end;
});

test("a slow client holds the producer back", async () => {
  let produced = 0;
  async function* flood(): AsyncGenerator<Uint8Array> {
    for (; produced < 1000; produced++) yield Buffer.alloc(1_000_000);
  }
  const edge = edgeOf({ request: async () => ({ status: 200, headers: {}, body: flood() }) });
  const port = await edge.listen(0, "127.0.0.1");
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await new Promise((resolve) => socket.once("readable", resolve));
  socket.pause();
  // The producer stands still once the socket's buffers are full; an answer on another connection comes later than that.
  for (let i = 0; i < 50; i++) await fetch(`http://127.0.0.1:${port}/`, { method: "HEAD" });
  expect(produced).toBeLessThan(100);
  socket.destroy();
});

test("a port in use is said in one line", async () => {
  const port = await edgeOf({}).listen(0, "127.0.0.1");
  await expect(edgeOf({}).listen(port, "127.0.0.1")).rejects.toThrow(
    new ListenError("address-in-use", `address 127.0.0.1:${port} is already in use`),
  );
});

const echoUpgrade: HttpHandler["upgrade"] = async (_request, upgrade) => {
  const stream = upgrade.accept(upgrade.protocols[0] ?? "");
  for (let message = await stream.read(); message; message = await stream.read()) await stream.write(message);
  return undefined;
};

test("a WebSocket carries messages under the chosen protocol", async () => {
  const port = await edgeOf({ upgrade: echoUpgrade }).listen(0, "127.0.0.1");
  const socket = new WebSocket(`ws://127.0.0.1:${port}/exec`, ["v5.channel.k8s.io", "v4.channel.k8s.io"]);
  await new Promise((resolve) => socket.once("open", resolve));
  expect(socket.protocol).toBe("v5.channel.k8s.io");
  socket.send("hi");
  expect(String(await new Promise((resolve) => socket.once("message", resolve)))).toBe("hi");
  socket.close();
});

test("a refused upgrade is an ordinary answer", async () => {
  const port = await edgeOf({}).listen(0, "127.0.0.1");
  const socket = new WebSocket(`ws://127.0.0.1:${port}/exec`);
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toBe("Unexpected server response: 400");
});

test("connections of the virtual network are served alike, upgrades included", async () => {
  const edge = edgeOf({ request: echo, upgrade: echoUpgrade });
  const network: Network = {
    ip: "172.18.0.3",
    ips: ["172.18.0.3"],
    connect: async (to) => {
      const [client, server] = connectionPair({ ip: "172.18.0.3", port: 40000 }, to);
      edge.accept(server);
      return client;
    },
    listen: () => {
      throw new Error("not used");
    },
    bindUdp: () => {
      throw new Error("not used");
    },
  };
  const transport = networkTransport({ network, to: { ip: "172.18.0.2", port: 6443 } });
  const answer = await transport.request({
    method: "PUT",
    path: "/x",
    headers: {},
    body: Buffer.alloc(100_000),
  });
  expect(JSON.parse(Buffer.from(await readBody(answer.body)).toString())).toMatchObject({
    path: "/x",
    body: 100_000,
    remoteAddress: "172.18.0.3:40000",
  });
  const { stream, protocol } = await transport.upgrade({ method: "GET", path: "/y", headers: {} }, ["p1"]);
  expect(protocol).toBe("p1");
  await stream.write(Buffer.from("ping"));
  expect(Buffer.from((await stream.read()) ?? []).toString()).toBe("ping");
  stream.close();
  await stream.closed;
});

/** Two ends of one connection in memory. */
function connectionPair(a: SocketAddress, b: SocketAddress): [Connection, Connection] {
  const pipe = () => {
    const chunks: (Uint8Array | undefined)[] = [];
    const readers: ((chunk: Uint8Array | undefined) => void)[] = [];
    return {
      push(chunk: Uint8Array | undefined): void {
        const reader = readers.shift();
        if (reader) reader(chunk);
        else chunks.push(chunk);
      },
      read: (): Promise<Uint8Array | undefined> =>
        chunks.length > 0
          ? Promise.resolve(chunks.shift())
          : new Promise((resolve) => {
              readers.push(resolve);
            }),
    };
  };
  const toA = pipe();
  const toB = pipe();
  const end = (
    local: SocketAddress,
    remote: SocketAddress,
    from: typeof toA,
    to: typeof toA,
  ): Connection => ({
    local,
    remote,
    read: () => from.read(),
    write: async (bytes) => to.push(bytes),
    end: () => to.push(undefined),
    reset: () => {
      to.push(undefined);
      from.push(undefined);
    },
    closed: Promise.resolve(),
  });
  return [end(a, b, toA, toB), end(b, a, toB, toA)];
}
