import type { ByteStream } from "../api/http.js";

/** A stream that first gives back what was read too far. */
export function withRest(connection: ByteStream, rest: Uint8Array): ByteStream {
  let pending: Uint8Array | undefined = rest.length > 0 ? rest : undefined;
  return {
    read: async () => {
      const bytes = pending ?? (await connection.read());
      pending = undefined;
      return bytes;
    },
    write: (bytes) => connection.write(bytes),
    end: () => connection.end(),
    reset: () => connection.reset(),
    closed: connection.closed,
  };
}
