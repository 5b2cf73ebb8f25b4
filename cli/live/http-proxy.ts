import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ConnectionError } from "../../machinery/network/network.js";
import { relaySockets } from "../../machinery/network/relay.js";
import type { Dial } from "./cluster-dialer.js";

/** Between client and proxy only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "keep-alive",
  "te",
  "upgrade",
]);

/** An HTTP proxy without a port of its own: `emit("connection", socket)` gives it a client. */
export function httpProxy(dial: Dial): Server {
  const server = createServer({ requestTimeout: 0 }, (incoming, response) => {
    forward(incoming, response, dial).catch((err: unknown) => fail(response, err));
  });
  server.on("connect", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    tunnel(incoming.url ?? "", socket, head, dial).catch(() => socket.destroy());
  });
  return server;
}

async function tunnel(target: string, socket: Socket, head: Buffer, dial: Dial): Promise<void> {
  socket.on("error", () => {});
  const url = URL.canParse(`http://${target}`) ? new URL(`http://${target}`) : undefined;
  const port = /:(\d+)$/.exec(target)?.[1];
  if (!url || port === undefined) return void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  try {
    const connection = await dial(hostOf(url), Number(port));
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    await relaySockets(socket, connection.socket);
  } catch (err) {
    const { status, text } = gatewayError(err);
    socket.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${text}\n`);
  }
}

async function forward(incoming: IncomingMessage, response: ServerResponse, dial: Dial): Promise<void> {
  const target = incoming.url ?? "";
  if (!target.startsWith("http://") || !URL.canParse(target)) {
    response.writeHead(400, { "content-type": "text/plain" });
    response.end("This is a proxy into a cluster: curl --proxy http://… http://web.default\n");
    return;
  }
  const url = new URL(target);
  const { socket } = await dial(hostOf(url), Number(url.port || 80));
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name)),
  );
  const outgoing = request(
    {
      method: incoming.method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, connection: "close" },
      createConnection: () => socket,
    },
    (answer) => {
      const kept = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
      response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    },
  );
  // The carrier hands its sockets over paused.
  outgoing.on("socket", () => socket.resume());
  outgoing.on("error", (err) => fail(response, err));
  response.on("close", () => outgoing.destroy());
  incoming.pipe(outgoing);
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1");

function fail(response: ServerResponse, err: unknown): void {
  if (response.headersSent) return void response.destroy();
  const { status, text } = gatewayError(err);
  response.writeHead(Number(status.slice(0, 3)), { "content-type": "text/plain" }).end(`${text}\n`);
}

function gatewayError(err: unknown): { status: string; text: string } {
  const timedOut = err instanceof ConnectionError && err.reason === "timed-out";
  return {
    status: timedOut ? "504 Gateway Timeout" : "502 Bad Gateway",
    text: err instanceof Error ? err.message : String(err),
  };
}
