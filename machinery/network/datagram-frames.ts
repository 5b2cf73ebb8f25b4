import type { SocketAddress } from "./network.js";

/** How datagrams travel on a session: length (4 bytes), `source port destination port\n`, payload. */
export type DatagramHandler = (from: SocketAddress, to: SocketAddress, bytes: Uint8Array) => void;

const LONGEST_FRAME = 65_535 + 128;
const NEWLINE = 10;

export function encodeDatagram(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): Buffer {
  const header = `${from.ip} ${from.port} ${to.ip} ${to.port}\n`;
  const frame = Buffer.allocUnsafe(4 + header.length + bytes.length);
  frame.writeUInt32BE(header.length + bytes.length, 0);
  frame.write(header, 4, "latin1");
  frame.set(bytes, 4 + header.length);
  return frame;
}

/** Takes chunks as they come and calls back for each whole datagram. Returns false on nonsense. */
export function datagramDecoder(onDatagram: DatagramHandler): (chunk: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readUInt32BE(at);
      if (length > LONGEST_FRAME) return false;
      if (rest.length - at < 4 + length) break;
      deliver(rest.subarray(at + 4, at + 4 + length), onDatagram);
      at += 4 + length;
    }
    rest = rest.subarray(at);
    return true;
  };
}

function deliver(frame: Buffer, onDatagram: DatagramHandler): void {
  const newline = frame.indexOf(NEWLINE);
  const [fromIp = "", fromPort, toIp = "", toPort] = frame
    .toString("latin1", 0, Math.max(0, newline))
    .split(" ");
  if (!toPort) return;
  // A copy: the frame is a window on a socket's buffer.
  const bytes = Uint8Array.prototype.slice.call(frame, newline + 1);
  onDatagram({ ip: fromIp, port: Number(fromPort) }, { ip: toIp, port: Number(toPort) }, bytes);
}
