import { expect, test } from "@jest/globals";
import { readBody } from "../api/http.js";
import { systemClock } from "../runtime/system-clock.js";
import { Http1Client } from "./http1-client.js";
import { type Http1Handler, Http1Server } from "./http1-server.js";
import { connectionPair } from "./memory-pipe.js";
import type { Connection } from "./network.js";

function aPair(): { client: Connection; server: Connection } {
  const a = { ip: "10.244.0.2", port: 40000 };
  const b = { ip: "10.244.0.3", port: 80 };
  const [client, server] = connectionPair({
    clock: systemClock(),
    near: { local: a, remote: b },
    far: { local: b, remote: a },
  });
  return { client, server };
}

const ok: Http1Handler = () => ({ status: 200, headers: {}, body: Buffer.from("ok") });

/** What a server answers to raw bytes until it ends the connection, or to the first of them if it keeps it. */
async function answerTo(raw: string, handler: Http1Handler = ok): Promise<{ text: string; ended: boolean }> {
  const { client, server } = aPair();
  const served = new Http1Server(handler).serve(server);
  await client.write(Buffer.from(raw, "latin1"));
  let text = "";
  const reading = (async () => {
    for (let bytes = await client.read(); bytes; bytes = await client.read())
      text += Buffer.from(bytes).toString("latin1");
    return true;
  })();
  const ended = await Promise.race([reading, served.then(() => true), turns().then(() => false)]);
  client.end();
  await reading;
  return { text, ended };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

test.each([
  ["HTTP/1.1", "keep-alive", false],
  ["HTTP/1.1", "TE, Close", true],
  ["HTTP/1.1", "close", true],
  ["HTTP/1.1", "closed", false],
  ["HTTP/1.0", "Keep-Alive, x", false],
  ["HTTP/1.0", "x", true],
])("%s with connection: %s ends afterwards: %s", async (version, connection, ended) => {
  const answer = await answerTo(`GET / ${version}\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`);
  expect(answer.text).toContain("200 OK");
  expect(answer.ended).toBe(ended);
});

test("a client that waits for 100 Continue gets it when its body is wanted, and is told to go when it is not", async () => {
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  const refused = await answerTo(head, () => ({ status: 403, headers: {}, body: new Uint8Array() }));
  expect(refused.text.startsWith("HTTP/1.1 403 Forbidden\r\n")).toBe(true);
  expect(refused.ended).toBe(true);
  const { client, server } = aPair();
  const reading: Http1Handler = async (request) => ({
    status: 200,
    headers: {},
    body: await readBody(request.body),
  });
  void new Http1Server(reading).serve(server);
  await client.write(Buffer.from(head));
  expect(Buffer.from((await client.read()) ?? []).toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  await client.write(Buffer.from("hi"));
  expect(Buffer.from((await client.read()) ?? []).toString()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*hi$/);
  client.end();
});

test("two lengths in one message are refused", async () => {
  const head =
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  const answer = await answerTo(head);
  expect(answer.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer.ended).toBe(true);
});

test("headers that are given as they are keep their order, spelling and repetition, and so does the reason", async () => {
  const answer = await answerTo("GET / HTTP/1.1\r\nHost: x\r\n\r\n", () => ({
    status: 299,
    reason: "Fine",
    headers: {},
    rawHeaders: [
      ["set-COOKIE", "a=1"],
      ["Set-Cookie", "b=2\r\nX-Evil: 1"],
      ["content-LENGTH", "2"],
    ],
    body: Buffer.from("hi"),
  }));
  expect(answer.text).toBe(
    "HTTP/1.1 299 Fine\r\nset-COOKIE: a=1\r\nSet-Cookie: b=2 X-Evil: 1\r\ncontent-LENGTH: 2\r\n\r\nhi",
  );
});

test("an idle connection says when its peer ends it, and a request may come before that", async () => {
  const { client, server } = aPair();
  const http = new Http1Server(ok);
  const served = http.serve(server);
  const requests = new Http1Client(client);
  const request = { method: "GET", path: "/", headers: { host: "x" } };
  await readBody((await requests.request(request)).body);
  let ended = false;
  const idle = requests.idleEnd().then(() => (ended = true));
  const second = await requests.request(request);
  expect(Buffer.from(second.whole ?? []).toString()).toBe("ok");
  expect(requests.reusable).toBe(true);
  await idle;
  ended = false;
  const idleAgain = requests.idleEnd().then(() => (ended = true));
  await turns();
  expect(ended).toBe(false);
  http.shutdown();
  await idleAgain;
  client.end();
  await served;
});
