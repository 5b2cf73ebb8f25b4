import type { Socket } from "node:net";
import { ConnectionError, type ConnectionErrorReason } from "../../machinery/network/network.js";
import { relaySockets } from "../../machinery/network/relay.js";
import type { SocketConnection } from "../../machinery/network/socket-connection.js";
import type { Dial } from "./cluster-dialer.js";
import { readExactly } from "./socket-reader.js";

/** RFC 1928. */
export const SOCKS_VERSION = 5;
const NO_AUTHENTICATION = 0;
const NONE_ACCEPTABLE = 0xff;
const CONNECT = 1;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;
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

/** Serves one client whose version byte was read; `greeted` is called once its request is known. Never rejects. */
export async function serveSocks5(socket: Socket, dial: Dial, greeted: () => void): Promise<void> {
  const leaving = new AbortController();
  socket.once("close", () => leaving.abort());
  try {
    if (!(await agreeOnMethod(socket))) return void socket.end(Buffer.of(SOCKS_VERSION, NONE_ACCEPTABLE));
    socket.write(Buffer.of(SOCKS_VERSION, NO_AUTHENTICATION));
    const wanted = await readRequest(socket);
    greeted();
    if (typeof wanted === "number") return void socket.end(reply(wanted));
    let connection: SocketConnection;
    try {
      connection = await dial(wanted.host, wanted.port, leaving.signal);
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

/** Whom the client wants to reach, or the reply that says why not. */
async function readRequest(socket: Socket): Promise<{ host: string; port: number } | number> {
  const [version, command, , kind] = await readExactly(socket, 4);
  if (version !== SOCKS_VERSION) throw new Error("not SOCKS5");
  const host = await readHost(socket, kind);
  if (host === undefined) return REPLY.address;
  const port = (await readExactly(socket, 2)).readUInt16BE();
  return command === CONNECT ? { host, port } : REPLY.command;
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
      const hex = (await readExactly(socket, 16)).toString("hex");
      return (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, "")).join(":");
    }
    default:
      return undefined;
  }
}

/** The address that a real proxy would have bound says nothing here: zeros, as many proxies answer. */
const reply = (code: number): Buffer => Buffer.of(SOCKS_VERSION, code, 0, ADDRESS.ipv4, 0, 0, 0, 0, 0, 0);
