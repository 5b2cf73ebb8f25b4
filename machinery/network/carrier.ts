import { chmodSync, rmSync } from "node:fs";
import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { socketLocation } from "./carrier-path.js";
import { type DatagramHandler, datagramDecoder } from "./datagram-frames.js";
import type { SocketAddress } from "./network.js";
import { answer, parsePreamble, readLine } from "./preamble.js";
import { SocketConnection } from "./socket-connection.js";
import type { Inbound } from "./uplink.js";

/**
 * How packets of the virtual network enter a process. Others find it by its Unix socket, where a peer keeps one session:
 * its first line tells the port of the loopback TCP listener that takes streams, then it carries datagrams. Streams are
 * TCP because a Unix socket has no RST: a reset would look like an orderly end to a peer that only reads.
 */
export interface CarrierOptions {
  socketPath: string;
  clusterToken: string;
  /** Takes a stream whose preamble was read. It answers (`answer`) and owns the socket from then on. */
  onStream: (socket: Socket, from: SocketAddress, to: SocketAddress) => void;
  onDatagram: DatagramHandler;
  /** Further streams are refused. */
  maxStreams?: number;
}

export interface Carrier {
  close(): Promise<void>;
}

const MAX_STREAMS = 65_536;
const MAX_SESSIONS = 1024;
/** Connections that have not said who they are; the oldest gives way. */
const MAX_STRANGERS = 8192;
/** Accepts that wait; Node's 511 would drop SYNs of a burst, each to come again a second later. */
const BACKLOG = 4096;

/** Serves the hosts of `network`. */
export const startCarrier = (socketPath: string, clusterToken: string, network: Inbound): Promise<Carrier> =>
  serveCarrier({
    socketPath,
    clusterToken,
    onStream: (socket, from, to) => {
      const outcome = network.acceptConnection(from, to, () => {
        corkForNow(socket);
        answer(socket, "open");
        return new SocketConnection(socket, to, from);
      });
      if (outcome !== "open") answer(socket, outcome);
    },
    onDatagram: (from, to, bytes) => network.acceptDatagram(from, to, bytes),
  });

/** What is written by everything that can run now leaves together: a server's first answer with the byte that opens. */
function corkForNow(socket: Socket): void {
  socket.cork();
  queueMicrotask(() => process.nextTick(() => socket.uncork()));
}

/** Listens until closed. A socket file that nobody answers on is replaced. */
export async function serveCarrier(options: CarrierOptions): Promise<Carrier> {
  const sessions = new Set<Socket>();
  const strangers = new Set<Socket>();
  const streams = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    greet(socket, strangers, (line) => takeStream(socket, line, options)),
  );
  streams.maxConnections = options.maxStreams ?? MAX_STREAMS;
  const port = await listen(streams, { host: "127.0.0.1", port: 0, backlog: BACKLOG });
  const doors = createServer((socket) =>
    greet(socket, strangers, (line) => takeSession(socket, line, port, sessions, options)),
  );
  doors.maxConnections = MAX_SESSIONS;
  const path = socketLocation(options.socketPath);
  rmSync(path, { force: true });
  await listen(doors, { path });
  chmodSync(path, 0o600);
  return {
    close: async () => {
      for (const socket of [...strangers, ...sessions]) socket.destroy();
      await Promise.all([closeServer(doors), stopAccepting(streams)]);
    },
  };
}

function greet(socket: Socket, strangers: Set<Socket>, onLine: (line: string) => void): void {
  socket.on("error", () => socket.destroy());
  const forget = (): void => {
    strangers.delete(socket);
  };
  socket.once("close", forget);
  strangers.add(socket);
  if (strangers.size > MAX_STRANGERS) for (const oldest of strangers) return void oldest.destroy();
  readLine(socket, (line) => {
    forget();
    socket.off("close", forget);
    onLine(line);
  });
}

function takeStream(socket: Socket, line: string, options: CarrierOptions): void {
  const preamble = parsePreamble(line, options.clusterToken);
  if (preamble?.kind === "stream") options.onStream(socket, preamble.from, preamble.to);
  else socket.destroy();
}

function takeSession(
  socket: Socket,
  line: string,
  port: number,
  sessions: Set<Socket>,
  options: CarrierOptions,
): void {
  if (parsePreamble(line, options.clusterToken)?.kind !== "session") return void socket.destroy();
  sessions.add(socket);
  socket.once("close", () => sessions.delete(socket));
  socket.write(`${port}\n`);
  const decode = datagramDecoder(options.onDatagram);
  socket.on("data", (chunk) => {
    if (!decode(chunk)) socket.destroy();
  });
  socket.resume();
}

function listen(server: Server, where: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      // An accept that fails later (out of descriptors) loses that connection, not the process.
      server.on("error", () => {});
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
}

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

/** Streams that are open belong to whoever took them, and end with them. */
const stopAccepting = (server: Server): Promise<void> => {
  server.close();
  server.unref();
  return Promise.resolve();
};
