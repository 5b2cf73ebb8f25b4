import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { readBody } from "../api/http.js";
import { systemClock } from "../runtime/system-clock.js";
import { Http1Client } from "./http1-client.js";
import { Http1Reader } from "./http1-reader.js";
import { type Http1Handler, Http1Server, type Http1ServerOptions } from "./http1-server.js";
import { connectionPair } from "./memory-pipe.js";
import type { Connection } from "./network.js";

function aPair(): { client: Connection; server: Connection } {
  const a = { ip: "10.244.0.2", port: 40000 };
  const b = { ip: "10.244.0.3", port: 80 };
  const clock = systemClock();
  const [client, server] = connectionPair({
    clock,
    near: { local: a, remote: b },
    far: { local: b, remote: a },
  });
  return { client, server };
}

function serve(handler: Http1Handler, options?: Http1ServerOptions) {
  const { client, server } = aPair();
  const http = new Http1Server(handler, options);
  const served = http.serve(server);
  return { client, http, served };
}

async function readText(connection: Connection): Promise<string> {
  let text = "";
  for (let bytes = await connection.read(); bytes; bytes = await connection.read())
    text += Buffer.from(bytes).toString("latin1");
  return text;
}

/** What a server answers to raw bytes; the client ends after them. */
async function answerTo(raw: string, options?: Http1ServerOptions): Promise<string> {
  const { client } = serve(
    async (request) => ({
      status: 200,
      headers: {},
      body: Buffer.from(
        `${request.method} ${request.path} ${Buffer.from(await readBody(request.body)).toString()}`,
      ),
    }),
    options,
  );
  await client.write(Buffer.from(raw, "latin1"));
  client.end();
  return readText(client);
}

const statusOf = (answer: string): string => answer.split("\r\n", 1)[0] ?? "";

test("a TLS handshake is refused at its first byte, not waited for", async () => {
  const { client, served } = serve(() => ({ status: 200, headers: {}, body: Buffer.from("x") }));
  await client.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  expect(statusOf(await readText(client))).toBe("HTTP/1.1 400 Bad Request");
  await served;
});

test("requests follow each other on one connection", async () => {
  const { client, served } = serve((request) => ({
    status: 200,
    headers: { "content-type": "text/plain" },
    body: Buffer.from(request.path),
  }));
  const http = new Http1Client(client);
  for (const path of ["/a", "/b", "/c"]) {
    const response = await http.request({ method: "GET", path, headers: { host: "x" } });
    expect(Buffer.from(await readBody(response.body)).toString()).toBe(path);
    expect(http.reusable).toBe(true);
  }
  client.end();
  await served;
});

test("bodies stream in both directions", async () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 200; i++) yield Buffer.alloc(1000, i);
  }
  const { client } = serve(
    (request) => ({ status: 200, headers: {}, body: request.body ?? new Uint8Array() }),
    { largestBodyBytes: 1_000_000 },
  );
  const http = new Http1Client(client);
  const response = await http.request({ method: "POST", path: "/", headers: { host: "x" }, body: pieces() });
  const body = await readBody(response.body);
  expect(body.length).toBe(200_000);
  expect(body[199_999]).toBe(199);
  expect(http.reusable).toBe(true);
});

test("pipelined requests are answered in order", async () => {
  const answer = await answerTo(
    "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  expect(answer.split("HTTP/1.1 200 OK").map((part) => part.split("\r\n\r\n")[1])).toEqual([
    undefined,
    "POST /1 ab",
    "GET /2 ",
  ]);
});

test("a body that the handler leaves unread does not disturb the next request", async () => {
  const { client } = serve((request) => ({ status: 200, headers: {}, body: Buffer.from(request.path) }));
  await client.write(
    Buffer.from(
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
  );
  client.end();
  expect((await readText(client)).match(/\r\n\r\n(\/\d)/g)).toEqual(["\r\n\r\n/1", "\r\n\r\n/2"]);
});

test.each([
  ["GET / HTTP/1.1\r\n\r\n", 400],
  ["GET /\r\nHost: x\r\n\r\n", 400],
  ["GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505],
  ["GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
  ["POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501],
  ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413],
  ["POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
  [`GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(40_000)}\r\n\r\n`, 431],
])("a broken request is refused and the connection ended: %#", async (raw, status) => {
  expect(statusOf(await answerTo(raw))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test("HTTP/1.0 ends the connection unless it asks to keep it", async () => {
  expect(await answerTo("GET / HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")).toContain("Connection: close\r\n");
  const kept = await answerTo("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n");
  expect(kept).toContain("GET /2");
});

test("HEAD, 204 and 304 have no body", async () => {
  const { client } = serve(() => ({ status: 200, headers: {}, body: Buffer.from("hidden") }));
  await client.write(Buffer.from("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  const answer = await readText(client);
  expect(answer).toContain("Content-Length: 6\r\n");
  expect(answer).toMatch(/\r\n\r\n$/);
});

test("line breaks in header values are taken out", async () => {
  const { client } = serve(() => ({
    status: 200,
    headers: { "x-a": "1\r\nx-b: 2" },
    body: new Uint8Array(),
  }));
  await client.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  expect(await readText(client)).toContain("X-A: 1 x-b: 2\r\n");
});

test("a shut down server ends idle connections and finishes the answers under way", async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { client, http, served } = serve(async () => {
    await released;
    return { status: 200, headers: {}, body: Buffer.from("late") };
  });
  const answer = new Http1Client(client).request({ method: "GET", path: "/", headers: { host: "x" } });
  await Promise.resolve();
  while (http.activeCount === 0) await Promise.resolve();
  http.shutdown();
  release();
  const response = await answer;
  expect(response.headers["connection"]).toBe("close");
  expect(Buffer.from(await readBody(response.body)).toString()).toBe("late");
  await served;
});

test("an answer cut short is told from a complete one", async () => {
  const { client, server } = aPair();
  const answer = new Http1Client(client).request({ method: "GET", path: "/", headers: { host: "x" } });
  await server.read();
  await server.write(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
  server.end();
  const response = await answer;
  await expect(readBody(response.body)).rejects.toMatchObject({ message: "unexpected end of body" });
});

test("messages are read alike however the network cuts them", async () => {
  const raw = Buffer.from(
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: t\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: raw.length - 1 }), { maxLength: 20 }),
      async (cuts) => {
        const edges = [0, ...[...new Set(cuts)].sort((a, b) => a - b), raw.length];
        const chunks = edges.slice(1).map((end, i) => raw.subarray(edges[i], end));
        const reader = new Http1Reader({ read: async () => chunks.shift() });
        const first = await reader.readHead();
        let body = "";
        for await (const chunk of reader.chunkedBody()) body += Buffer.from(chunk).toString();
        const second = await reader.readHead();
        expect([first?.startLine, body, second?.startLine]).toEqual([
          "POST /x HTTP/1.1",
          "hello world",
          "GET /y HTTP/1.1",
        ]);
        expect(await reader.readHead()).toBeUndefined();
      },
    ),
    { seed: 7, numRuns: 60 },
  );
});

test("any bytes are either a request or refused, and never crash the server", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { client } = serve(() => ({ status: 200, headers: {}, body: new Uint8Array() }));
      await client.write(bytes);
      client.end();
      const answer = await readText(client);
      expect(answer === "" || answer.startsWith("HTTP/1.1 ")).toBe(true);
    }),
    { seed: 7, numRuns: 200 },
  );
});
