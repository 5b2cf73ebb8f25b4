import { createSocket as createUdpSocket } from "node:dgram";
import { createServer as createHttpServer, get } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import type { Clock } from "../../machinery/api/clock.js";
import { ConnectionError, type ConnectionErrorReason } from "../../machinery/network/network.js";
import { SocketConnection } from "../../machinery/network/socket-connection.js";
import { systemClock } from "../../machinery/runtime/system-clock.js";
import { startGateway } from "./gateway.js";

const disposals: (() => unknown)[] = [];
afterEach(() => {
  for (const dispose of disposals.splice(0).reverse()) dispose();
});

const portOf = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  disposals.push(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** A gateway into a cluster where every name is the server at `port`, unless dialing fails with `failure`. */
async function aGateway(port: number, failure?: ConnectionErrorReason) {
  const dialed: string[] = [];
  const gateway = await startGateway({
    clock: systemClock(),
    address: "127.0.0.1",
    port: 0,
    // Whoever is sent something answers from port 53 of ::9.
    associate: async (onDatagram) => async (host, wanted, bytes) => {
      dialed.push(`udp ${host}:${wanted}`);
      onDatagram("[fd00::9]:53", Buffer.concat([Buffer.from("got "), bytes]));
    },
    dial: async (host, wanted) => {
      dialed.push(`${host}:${wanted}`);
      if (failure) throw new ConnectionError(failure);
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
      socket.pause();
      return new SocketConnection(
        socket,
        { ip: "10.244.0.1", port: 40_000 },
        { ip: "10.96.0.9", port: wanted },
      );
    },
  });
  disposals.push(() => gateway.close());
  return { gateway, dialed };
}

const web = () =>
  portOf(
    createHttpServer((incoming, response) => {
      response.end(`${incoming.method} ${incoming.headers.host} ${incoming.url}`);
    }),
  );

/** Sends `bytes` and gathers everything until the other side ends. */
function talk(port: number, ...bytes: Buffer[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ host: "127.0.0.1", port });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks)));
    socket.on("error", reject);
    for (const part of bytes) socket.write(part);
  });
}

const GREETING = Buffer.of(5, 1, 0);
const connectTo = (host: string, port: number, command = 1): Buffer =>
  Buffer.concat([
    Buffer.of(5, command, 0, 3, host.length),
    Buffer.from(host),
    Buffer.of(port >> 8, port & 255),
  ]);

test("SOCKS5 takes a name as it is and joins the client to it", async () => {
  const { gateway, dialed } = await aGateway(await web());

  const answer = await talk(
    gateway.port,
    GREETING,
    connectTo("web.default", 80),
    Buffer.from("GET /a HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n"),
  );

  expect(dialed).toEqual(["web.default:80"]);
  expect([...answer.subarray(0, 12)]).toEqual([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  expect(answer.toString()).toContain("GET web /a");
});

test("SOCKS5 takes IPv4 and IPv6 addresses", async () => {
  const { gateway, dialed } = await aGateway(0, "refused");

  await talk(gateway.port, GREETING, Buffer.of(5, 1, 0, 1, 10, 96, 0, 9, 0, 80));
  const ipv6 = Buffer.concat([Buffer.of(5, 1, 0, 4, 0xfd), Buffer.alloc(14), Buffer.of(9, 0, 80)]);
  await talk(gateway.port, GREETING, ipv6);

  expect(dialed).toEqual(["10.96.0.9:80", "fd00:0:0:0:0:0:0:9:80"]);
});

test.each([
  ["refused", 5],
  ["unreachable", 4],
  ["timed-out", 6],
  ["reset", 1],
] as const)("a destination that is %s is SOCKS reply %i", async (reason, code) => {
  const { gateway } = await aGateway(0, reason);

  const answer = await talk(gateway.port, GREETING, connectTo("web", 80));

  expect(answer[3]).toBe(code);
});

test("SOCKS5 carries datagrams while the client's connection lasts, and drops what is none", async () => {
  const { gateway, dialed } = await aGateway(0);
  const control = connect({ host: "127.0.0.1", port: gateway.port });
  control.write(Buffer.concat([GREETING, Buffer.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0)]));
  let answer = Buffer.alloc(0);
  while (answer.length < 12)
    answer = Buffer.concat([answer, await new Promise<Buffer>((resolve) => control.once("data", resolve))]);
  expect([...answer.subarray(0, 10)]).toEqual([5, 0, 5, 0, 0, 1, 127, 0, 0, 1]);

  const udp = createUdpSocket("udp4");
  disposals.push(() => udp.close());
  const answered = new Promise<Buffer>((resolve) => udp.once("message", resolve));
  const at = answer.readUInt16BE(10);
  const name = Buffer.from("kube-dns.kube-system");
  const header = Buffer.concat([Buffer.of(0, 0, 0, 3, name.length), name, Buffer.of(0, 53)]);
  for (const broken of [Buffer.of(0), Buffer.of(0, 0, 1, 1, 1, 2, 3, 4, 0, 53, 1), header.subarray(0, 20)])
    udp.send(broken, at, "127.0.0.1");
  udp.send(Buffer.concat([header, Buffer.from("hello")]), at, "127.0.0.1");

  expect((await answered).toString("hex")).toBe(
    `00000004fd000000000000000000000000000009${"0035"}${Buffer.from("got hello").toString("hex")}`,
  );
  expect(dialed).toEqual(["udp kube-dns.kube-system:53"]);
  const closed = new Promise((resolve) => control.once("close", resolve));
  control.end();
  await closed;
});

test("a client that says nothing, or only half of it, is let go after ten seconds", async () => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock(),
    setTimer: (_delayMs, fire) => {
      timers.push(fire);
      return { cancel: () => {} };
    },
  };
  const options = { clock, address: "127.0.0.1", port: 0, dial: () => Promise.reject(new Error()) };
  const gateway = await startGateway(options);
  disposals.push(() => gateway.close());
  const closed = [Buffer.alloc(0), Buffer.of(5), Buffer.of(5, 9, 0)].map((bytes) => {
    const socket = connect({ host: "127.0.0.1", port: gateway.port });
    socket.on("error", () => {}).write(bytes);
    return new Promise((resolve) => socket.once("close", resolve));
  });
  while (timers.length < closed.length) await new Promise((resolve) => setImmediate(resolve));
  for (const fire of timers) fire();
  await Promise.all(closed);
});

test("SOCKS5 refuses what it does not do: BIND, odd address types, clients that need a password", async () => {
  const { gateway } = await aGateway(0);

  expect((await talk(gateway.port, GREETING, connectTo("web", 80, 2)))[3]).toBe(7);
  expect((await talk(gateway.port, GREETING, Buffer.of(5, 1, 0, 9)))[3]).toBe(8);
  expect([...(await talk(gateway.port, Buffer.of(5, 1, 2)))]).toEqual([5, 0xff]);
});

test("a plain HTTP proxy request goes to the host of its URL, in origin form", async () => {
  const { gateway, dialed } = await aGateway(await web());

  const body = await new Promise<string>((resolve, reject) => {
    const call = { host: "127.0.0.1", port: gateway.port, path: "http://web.default:8080/a?b=c" };
    get(call, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });

  expect(dialed).toEqual(["web.default:8080"]);
  expect(body).toBe("GET web.default:8080 /a?b=c");
});

test("HTTP CONNECT carries any bytes, those sent with the request included", async () => {
  const echo = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  const { gateway } = await aGateway(await portOf(echo));

  const socket = connect({ host: "127.0.0.1", port: gateway.port });
  socket.write("CONNECT redis.default:6379 HTTP/1.1\r\nhost: redis.default:6379\r\n\r\nearly");
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text += String(chunk);
      if (text.endsWith("late")) resolve();
      else if (text.endsWith("early")) socket.write("late");
    });
  });
  socket.destroy();

  expect(text).toBe("HTTP/1.1 200 Connection established\r\n\r\nearlylate");
});

test("a destination without an answer is 502, or 504 when it timed out", async () => {
  const refused = await aGateway(0, "refused");
  const dropped = await aGateway(0, "timed-out");
  const ask = (port: number) =>
    talk(port, Buffer.from("CONNECT web:80 HTTP/1.1\r\nhost: web:80\r\n\r\n")).then(String);

  expect(await ask(refused.gateway.port)).toMatch(/^HTTP\/1\.1 502 /);
  expect(await ask(dropped.gateway.port)).toMatch(/^HTTP\/1\.1 504 /);
});

test("a port that is taken is an error", async () => {
  const { gateway } = await aGateway(0);
  const options = { clock: systemClock(), address: "127.0.0.1", dial: () => Promise.reject(new Error()) };

  await expect(startGateway({ ...options, port: gateway.port })).rejects.toThrow("EADDRINUSE");
});
