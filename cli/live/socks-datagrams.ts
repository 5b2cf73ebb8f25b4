import { createSocket } from "node:dgram";
import { isIP, type Socket } from "node:net";
import { parseAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";

/** How RFC 1928 tells addresses apart. */
export const SOCKS_ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** Opens a place for datagrams in the cluster, until the signal aborts; what it answers sends one. */
export type Associate = (
  onDatagram: (from: string, bytes: Uint8Array) => void,
  signal: AbortSignal,
) => Promise<(host: string, port: number, bytes: Uint8Array) => Promise<void>>;

/** Datagrams of one client that wait for a name to be found, or to be handed over; more are dropped. */
const MOST_WAITING = 256;

/**
 * UDP ASSOCIATE: a socket beside the client's connection, for datagrams from its address only. It ends with the
 * connection. Resolves to where it listens.
 */
export async function serveDatagrams(
  control: Socket,
  associate: Associate,
  signal: AbortSignal,
): Promise<SocketAddress> {
  const ip = control.localAddress ?? "127.0.0.1";
  const relay = createSocket(isIP(ip) === 6 ? "udp6" : "udp4");
  relay.on("error", () => control.destroy());
  const close = (): void => void relay.close();
  try {
    await new Promise<void>((resolve) => relay.bind(0, ip, resolve));
    let client: { address: string; port: number } | undefined;
    const send = await associate((from, bytes) => {
      const source = parseAddress(from);
      if (!client || !source) return;
      relay.send(Buffer.concat([Buffer.alloc(3), encodeAddress(source), bytes]), client.port, client.address);
    }, signal);
    let waiting = 0;
    relay.on("message", (message, sender) => {
      const wanted = parseDatagram(message);
      if (!wanted || sender.address !== control.remoteAddress || waiting >= MOST_WAITING) return;
      client = sender;
      waiting += 1;
      const done = (): void => {
        waiting -= 1;
      };
      send(wanted.host, wanted.port, wanted.bytes).then(done, done);
    });
  } catch (err) {
    close();
    throw err;
  }
  signal.addEventListener("abort", close, { once: true });
  // What the client says on the connection means nothing; its end does.
  control.on("end", () => control.destroy()).resume();
  return { ip, port: relay.address().port };
}

interface SocksDatagram {
  host: string;
  port: number;
  bytes: Buffer;
}

/** Undefined for a fragment, which RFC 1928 lets a relay drop, and for what is no SOCKS datagram. */
export function parseDatagram(message: Buffer): SocksDatagram | undefined {
  const [reserved, reservedToo, fragment, kind, length = 0] = message;
  if (reserved !== 0 || reservedToo !== 0 || fragment !== 0) return undefined;
  const sizes: Record<number, number> = {
    [SOCKS_ADDRESS.ipv4]: 4,
    [SOCKS_ADDRESS.ipv6]: 16,
    [SOCKS_ADDRESS.name]: 1 + length,
  };
  const size = sizes[kind ?? 0];
  if (size === undefined || message.length < 4 + size + 2) return undefined;
  const address = message.subarray(4, 4 + size);
  const host =
    kind === SOCKS_ADDRESS.ipv4
      ? [...address].join(".")
      : kind === SOCKS_ADDRESS.ipv6
        ? toIPv6(address)
        : address.toString("latin1", 1);
  return { host, port: message.readUInt16BE(4 + size), bytes: message.subarray(6 + size) };
}

/** Kind, address and port. */
export function encodeAddress({ ip, port }: SocketAddress): Buffer {
  const isV6 = isIP(ip) === 6;
  return Buffer.concat([
    Buffer.of(isV6 ? SOCKS_ADDRESS.ipv6 : SOCKS_ADDRESS.ipv4),
    isV6 ? fromIPv6(ip) : Buffer.from(ip.split(".").map(Number)),
    Buffer.of(port >> 8, port & 255),
  ]);
}

export const toIPv6 = (bytes: Buffer): string =>
  (bytes.toString("hex").match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, "")).join(":");

function fromIPv6(ip: string): Buffer {
  const [head = "", tail] = ip.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
