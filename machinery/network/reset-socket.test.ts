import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { resetSocket } from "./reset-socket.js";

async function connected(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  const [far] = (await once(server, "connection")) as [Socket];
  if (near.connecting) await once(near, "connect");
  far.on("error", () => {});
  return {
    near,
    far,
    close: () => {
      far.destroy();
      server.close();
    },
  };
}

test("a connection that is reset is gone at once for both ends", async () => {
  const { near, far, close } = await connected();
  far.resume();

  resetSocket(near);

  const [[err]] = (await Promise.all([once(far, "error"), once(near, "close")])) as [[Error], unknown];
  expect(err).toMatchObject({ code: "ECONNRESET" });
  close();
});

test("a connection that is reset while its end is sent leaves no descriptor open", async () => {
  const { near, close } = await connected();
  near.end();

  const errors: unknown[] = [];
  near.on("error", (err) => errors.push(err));
  resetSocket(near);
  await once(near, "close");

  expect(errors).toEqual([]);
  close();
});
