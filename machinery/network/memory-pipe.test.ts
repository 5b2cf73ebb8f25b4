import { expect, test } from "@jest/globals";
import { systemClock } from "../runtime/system-clock.js";
import { connectionPair } from "./memory-pipe.js";

const near = { local: { ip: "10.244.0.2", port: 40_000 }, remote: { ip: "10.96.0.10", port: 80 } };
const far = { local: { ip: "10.244.1.2", port: 8080 }, remote: { ip: "10.244.0.2", port: 40_000 } };
const pair = (bufferBytes?: number) =>
  connectionPair({ clock: systemClock(), near, far, ...(bufferBytes ? { bufferBytes } : {}) });
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

test("bytes arrive in order, and a half-close ends one direction only", async () => {
  const [client, server] = pair();
  await client.write(Buffer.from("ask"));
  client.end();
  expect(text(await server.read())).toBe("ask");
  expect(await server.read()).toBeUndefined();
  await server.write(Buffer.from("answer"));
  server.end();
  expect(text(await client.read())).toBe("answer");
  expect(await client.read()).toBeUndefined();
  await Promise.all([client.closed, server.closed]);
});

test("a reset reaches the peer after the bytes that were sent before it", async () => {
  const [client, server] = pair();
  await client.write(Buffer.from("half a requ"));
  client.reset();
  expect(text(await server.read())).toBe("half a requ");
  await expect(server.read()).rejects.toMatchObject({ reason: "reset" });
  await expect(server.write(Buffer.from("x"))).rejects.toMatchObject({ reason: "reset" });
  await Promise.all([client.closed, server.closed]);
});

test("a writer waits while the reader is slow", async () => {
  const [client, server] = pair(4);
  let written = false;
  const writing = client.write(Buffer.from("12345")).then(() => {
    written = true;
  });
  await Promise.resolve();
  expect(written).toBe(false);
  expect(text(await server.read())).toBe("12345");
  await writing;
  expect(written).toBe(true);
});

test("each end sees the addresses that a socket behind a NAT would see", () => {
  const [client, server] = pair();
  expect(client.remote).toEqual({ ip: "10.96.0.10", port: 80 });
  expect(server.local).toEqual({ ip: "10.244.1.2", port: 8080 });
});

test("packets take their latency, and arrive in order however it varies", async () => {
  const latencies = [5, 0, 3, 1, 4, 0, 2];
  const [client, server] = connectionPair({
    clock: systemClock(),
    near,
    far,
    forth: () => latencies.shift() ?? 0,
  });
  for (const digit of "1234567") await client.write(Buffer.from(digit));
  client.end();
  let received = "";
  for (let bytes = await server.read(); bytes; bytes = await server.read()) received += text(bytes);
  expect(received).toBe("1234567");
});

test("a packet that is lost is sent again", async () => {
  let lost = true;
  const [client, server] = connectionPair({
    clock: systemClock(),
    near,
    far,
    forth: () => {
      const latencyMs = lost ? Number.POSITIVE_INFINITY : 0;
      lost = false;
      return latencyMs;
    },
  });
  await client.write(Buffer.from("again"));
  expect(text(await server.read())).toBe("again");
});

test("a read that waits when the peer loses its power ends when this side gives the connection up", async () => {
  const [client, server] = pair();
  const answer = client.read();
  server.vanish();

  client.reset();

  await expect(answer).rejects.toMatchObject({ reason: "reset" });
});
