import type { Socket } from "node:net";
import { ConnectionError, type ConnectionErrorReason } from "../../machinery/network/network.js";
import { relaySockets } from "../../machinery/network/relay.js";
import type { SocketConnection } from "../../machinery/network/socket-connection.js";
import type { Dial } from "./cluster-dialer.js";
import { readExactly } from "./socket-reader.js";
import {
  type Associate,
  encodeAddress,
  serveDatagrams,
  SOCKS_ADDRESS as ADDRESS,
  toIPv6,
} from "./socks-datagrams.js";

/** RFC 1928. */
export const SOCKS_VERSION = 5;
const NO_AUTHENTICATION = 0;
const NONE_ACCEPTABLE = 0xff;
const COMMAND = { connect: 1, udpAssociate: 3 } as const;
const REPLY = {
  succeeded: 0,
  failure: 1,
  unreachable: 4,
  refused: 5,
  expired: 6,
  command: 7,
  address: 8,
} as const;

const REPLIES: Partial<Record<ConnectionErrorReason, number>> = {
  refused: REPLY.refused,
  unreachable: REPLY.unreachable,
  "timed-out": REPLY.expired,
};

export interface SocksWays {
  dial: Dial;
  /** Absent: UDP ASSOCIATE is refused. */
  associate?: Associate;
}

/** Serves one client whose version byte was read; `greeted` is called once its request is known. Never rejects. */
export async function serveSocks5(socket: Socket, ways: SocksWays, greeted: () => void): Promise<void> {
  const leaving = new AbortController();
  socket.once("close", () => leaving.abort());
  try {
    if (!(await agreeOnMethod(socket))) return void socket.end(Buffer.of(SOCKS_VERSION, NONE_ACCEPTABLE));
    socket.write(Buffer.of(SOCKS_VERSION, NO_AUTHENTICATION));
    const wanted = await readRequest(socket);
    greeted();
    if (typeof wanted === "number") return void socket.end(reply(wanted));
    if (wanted.command === COMMAND.udpAssociate) {
      if (!ways.associate) return void socket.end(reply(REPLY.command));
      const bound = await serveDatagrams(socket, ways.associate, leaving.signal);
      return void socket.write(reply(REPLY.succeeded, bound));
    }
    let connection: SocketConnection;
    try {
      connection = await ways.dial(wanted.host, wanted.port, leaving.signal);
    } catch (err) {
      const code = err instanceof ConnectionError ? REPLIES[err.reason] : undefined;
      return void socket.end(reply(code ?? REPLY.failure));
    }
    socket.write(reply(REPLY.succeeded));
    await relaySockets(socket, connection.socket);
  } catch {
    // The client left, or sent something that is no SOCKS.
    socket.destroy();
  }
}

async function agreeOnMethod(socket: Socket): Promise<boolean> {
  const [count = 0] = await readExactly(socket, 1);
  return (await readExactly(socket, count)).includes(NO_AUTHENTICATION);
}

interface Wanted {
  command: number;
  host: string;
  port: number;
}

/** Whom the client wants to reach, or the reply that says why not. */
async function readRequest(socket: Socket): Promise<Wanted | number> {
  const [version, command, , kind] = await readExactly(socket, 4);
  if (version !== SOCKS_VERSION) throw new Error("not SOCKS5");
  const host = await readHost(socket, kind);
  if (host === undefined) return REPLY.address;
  const port = (await readExactly(socket, 2)).readUInt16BE();
  const isKnown = command === COMMAND.connect || command === COMMAND.udpAssociate;
  return isKnown ? { command, host, port } : REPLY.command;
}

async function readHost(socket: Socket, kind: number | undefined): Promise<string | undefined> {
  switch (kind) {
    case ADDRESS.ipv4:
      return [...(await readExactly(socket, 4))].join(".");
    case ADDRESS.name: {
      const [length = 0] = await readExactly(socket, 1);
      return (await readExactly(socket, length)).toString("latin1");
    }
    case ADDRESS.ipv6: {
      return toIPv6(await readExactly(socket, 16));
    }
    default:
      return undefined;
  }
}

/** Where datagrams go. The address that a real proxy would have bound for a connection says nothing here: zeros. */
const reply = (code: number, bound = { ip: "0.0.0.0", port: 0 }): Buffer =>
  Buffer.concat([Buffer.of(SOCKS_VERSION, code, 0), encodeAddress(bound)]);
