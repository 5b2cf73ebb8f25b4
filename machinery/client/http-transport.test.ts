import { expect, test } from "@jest/globals";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { readBody, TransportError, UpgradeRefused } from "../api/http.js";
import { httpTransport } from "./http-transport.js";

async function withServer(
  listener: RequestListener,
  body: (transport: ReturnType<typeof httpTransport>, server: Server) => Promise<void>,
): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const transport = httpTransport({ server: `http://127.0.0.1:${port}`, token: "secret" });
  try {
    await body(transport, server);
  } finally {
    transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a request carries method, path, token and body, and its answer comes back whole", async () => {
  await withServer(
    (incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const said = [incoming.method, incoming.url, incoming.headers.authorization, Buffer.concat(chunks)];
        response.writeHead(201, { "x-test": "yes" }).end(said.join(" "));
      });
    },
    async (transport) => {
      const answer = await transport.request({
        method: "POST",
        path: "/api/v1/pods?dryRun=All",
        headers: {},
        body: Buffer.from("{}"),
      });
      expect(answer.status).toBe(201);
      expect(answer.headers["x-test"]).toBe("yes");
      const text = Buffer.from(await readBody(answer.body)).toString();
      expect(text).toBe("POST /api/v1/pods?dryRun=All Bearer secret {}");
    },
  );
});

test("a watch streams, and aborting it ends the reading with the signal's reason", async () => {
  await withServer(
    (_incoming, response) => {
      response.write("one\n");
    },
    async (transport) => {
      const controller = new AbortController();
      const answer = await transport.request(
        { method: "GET", path: "/watch?watch=true", headers: {} },
        controller.signal,
      );
      const reading = (async () => {
        for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
          expect(Buffer.from(chunk).toString()).toBe("one\n");
          controller.abort(new Error("enough"));
        }
      })();
      await expect(reading).rejects.toThrow("enough");
    },
  );
});

test("a server that is not there, or goes in the middle of an answer, is a transport error", async () => {
  const nowhere = httpTransport({ server: "http://127.0.0.1:1" });
  await expect(nowhere.request({ method: "GET", path: "/", headers: {} })).rejects.toBeInstanceOf(
    TransportError,
  );
  await withServer(
    (_incoming, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    },
    async (transport) => {
      const request = transport.request({ method: "POST", path: "/", headers: {} });
      await expect(request).rejects.toBeInstanceOf(TransportError);
    },
  );
});

test("an upgrade chooses a subprotocol and carries messages both ways; a refusal carries the answer", async () => {
  await withServer(
    (_incoming, response) => {
      response.writeHead(403).end("no");
    },
    async (transport, server) => {
      const refused = transport.upgrade({ method: "GET", path: "/no", headers: {} }, ["v5.channel.k8s.io"]);
      await expect(refused).rejects.toBeInstanceOf(UpgradeRefused);
      const webSockets = new WebSocketServer({ server });
      webSockets.on("connection", (socket) => {
        socket.on("message", (message: Buffer) =>
          socket.send(Buffer.concat([Buffer.from("echo "), message])),
        );
      });
      const { protocol, stream } = await transport.upgrade({ method: "GET", path: "/exec", headers: {} }, [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
      ]);
      expect(protocol).toBe("v5.channel.k8s.io");
      await stream.write(Buffer.from("hello"));
      expect(Buffer.from((await stream.read()) ?? []).toString()).toBe("echo hello");
      stream.close();
      await stream.closed;
      expect(await stream.read()).toBeUndefined();
    },
  );
});
