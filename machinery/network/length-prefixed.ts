import type { Connection } from "./network.js";

/** One DNS message with its two bytes of length (RFC 1035 section 4.2.2); undefined when the stream ends first. */
export async function readLengthPrefixed(
  connection: Pick<Connection, "read">,
  rest: { bytes: Uint8Array } = { bytes: new Uint8Array() },
): Promise<Uint8Array | undefined> {
  const chunks = rest.bytes.length > 0 ? [rest.bytes] : [];
  let length = rest.bytes.length;
  let needed = 2;
  for (;;) {
    if (length >= needed) {
      // Joined twice for one message at most, however small the pieces are.
      const buffer = Buffer.concat(chunks);
      needed = 2 + buffer.readUInt16BE(0);
      if (length >= needed) {
        rest.bytes = buffer.subarray(needed);
        return buffer.subarray(0, needed);
      }
      chunks.splice(0, chunks.length, buffer);
    }
    const chunk = await connection.read();
    if (!chunk) return undefined;
    chunks.push(chunk);
    length += chunk.length;
  }
}
