import type { ByteStream } from "../../api/http.js";

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
/** A hello is smaller, unless it is none. */
const LONGEST_HELLO_BYTES = 64 * 1024;

export interface PeekedHello {
  /** Undefined when the client names no server, or what it sends is no hello. */
  serverName?: string;
  /** Everything that was read. */
  bytes: Uint8Array;
}

/** Reads as far as a TLS client's first message goes. Rejects when the stream does. */
export async function peekClientHello(stream: Pick<ByteStream, "read">): Promise<PeekedHello> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const hello = helloIn(bytes);
    if (hello === "none") return { bytes };
    if (hello !== "more") {
      const serverName = serverNameIn(hello);
      return { bytes, ...(serverName === undefined ? {} : { serverName }) };
    }
    const chunk = bytes.length > LONGEST_HELLO_BYTES ? undefined : await stream.read();
    if (!chunk) return { bytes };
    bytes = Buffer.concat([bytes, chunk]);
  }
}

/** The body of the hello, put together from its records (RFC 8446, 4 and 5.1). */
function helloIn(bytes: Buffer): Buffer | "more" | "none" {
  const parts: Buffer[] = [];
  let total = 0;
  let at = 0;
  for (;;) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE_RECORD) return "none";
    if (bytes.length < at + 5) return "more";
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, end));
    total += Math.min(end, bytes.length) - at - 5;
    const message = total >= 4 ? Buffer.concat(parts) : undefined;
    if (message && message[0] !== CLIENT_HELLO) return "none";
    if (message && total >= 4 + message.readUIntBE(1, 3))
      return message.subarray(4, 4 + message.readUIntBE(1, 3));
    if (end > bytes.length) return "more";
    at = end;
  }
}

/** RFC 6066, 3. */
function serverNameIn(hello: Buffer): string | undefined {
  try {
    let at = 2 + 32;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    const end = Math.min(hello.length, at + 2 + hello.readUInt16BE(at));
    for (at += 2; at < end; at += 4 + hello.readUInt16BE(at + 2)) {
      if (hello.readUInt16BE(at) !== SERVER_NAME) continue;
      const length = hello.readUInt16BE(at + 7);
      return hello.subarray(at + 9, at + 9 + length).toString("latin1");
    }
  } catch (err) {
    if (!(err instanceof RangeError)) throw err;
  }
  return undefined;
}
