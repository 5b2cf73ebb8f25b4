import { createServer, type Socket } from "node:net";
import type { Clock } from "../../machinery/api/clock.js";
import { httpProxy } from "./http-proxy.js";
import { readExactly } from "./socket-reader.js";
import { type SocksWays, SOCKS_VERSION, serveSocks5 } from "./socks5.js";

export interface GatewayOptions extends SocksWays {
  clock: Clock;
  address: string;
  port: number;
}

const MOST_CLIENTS = 4096;
/** How long a client may take to say what it wants. */
const GREETING_MS = 10_000;

/** SOCKS5 and HTTP proxy on one port, told apart by the first byte. Rejects with the system's error. */
export async function startGateway(options: GatewayOptions): Promise<{ port: number; close(): void }> {
  const { dial } = options;
  const proxy = httpProxy(dial);
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    clients.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => clients.delete(socket));
    const timer = options.clock.setTimer(GREETING_MS, () => socket.destroy());
    socket.once("close", () => timer.cancel());
    greet(socket).then(
      (version) => {
        if (version[0] === SOCKS_VERSION) {
          void serveSocks5(socket, options, () => timer.cancel());
          return;
        }
        timer.cancel();
        socket.unshift(version);
        proxy.emit("connection", socket);
        socket.resume();
      },
      () => {
        timer.cancel();
        socket.destroy();
      },
    );
  });
  server.maxConnections = MOST_CLIENTS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.address, () => {
      server.off("error", reject).on("error", () => {});
      resolve();
    });
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound ? bound.port : options.port,
    close: () => {
      server.close();
      for (const socket of clients) socket.destroy();
    },
  };
}

const greet = (socket: Socket): Promise<Buffer> => readExactly(socket, 1);
