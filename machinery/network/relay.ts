import type { Socket } from "node:net";
import type { ByteStream } from "../api/http.js";
import type { OwnedConnection } from "./memory-pipe.js";
import { onOrderlyEnd } from "./orderly-end.js";
import { resetSocket } from "./reset-socket.js";
import { SocketConnection } from "./socket-connection.js";

export interface RelayResult {
  /** From `a` to `b`, and back. */
  forthBytes: number;
  backBytes: number;
  reset: boolean;
}

/** Joins two connections until both directions have ended: bytes, half-close, reset and back-pressure pass through. */
export function relay(a: OwnedConnection, b: OwnedConnection): Promise<RelayResult> {
  if (a instanceof SocketConnection && b instanceof SocketConnection) return relaySockets(a.socket, b.socket);
  return pumpBothWays(a, b);
}

/**
 * Node's own pipe both ways. Bytes that were read before (a preamble) are not counted. With `backLater` the caller pipes
 * `b` to `a`, without ending it.
 */
export function relaySockets(a: Socket, b: Socket, { backLater = false } = {}): Promise<RelayResult> {
  const readBefore = { a: a.bytesRead - a.readableLength, b: b.bytesRead - b.readableLength };
  pipeHalf(a, b);
  if (backLater) onOrderlyEnd(b, () => a.end());
  else pipeHalf(b, a);
  return new Promise((resolve) => {
    const reset = resetTogether(a, b);
    let open = 2;
    const onClose = (): void => {
      open -= 1;
      if (open > 0) return;
      resolve({
        forthBytes: a.bytesRead - readBefore.a,
        backBytes: b.bytesRead - readBefore.b,
        reset: reset.happened,
      });
    };
    a.once("close", onClose);
    b.once("close", onClose);
  });
}

function pipeHalf(from: Socket, to: Socket): void {
  from.pipe(to, { end: false });
  onOrderlyEnd(from, () => to.end());
}

/** When one socket ends in any way but a FIN after FIN, the other is reset. */
export function resetTogether(a: Socket, b: Socket): { happened: boolean } {
  const state = { happened: false };
  const watch = (one: Socket, other: Socket): void => {
    one.on("error", () => {});
    one.once("close", (hadError) => {
      if (!hadError && one.readableEnded && one.writableFinished) return;
      state.happened = true;
      resetSocket(other);
    });
  };
  watch(a, b);
  watch(b, a);
  return state;
}

/** Reads and writes, for connections that are not sockets. */
export async function pumpBothWays(a: ByteStream, b: ByteStream): Promise<RelayResult> {
  const result: RelayResult = { forthBytes: 0, backBytes: 0, reset: false };
  const fail = (): void => {
    result.reset = true;
    a.reset();
    b.reset();
  };
  await Promise.all([
    pump(a, b, (count) => (result.forthBytes += count)).catch(fail),
    pump(b, a, (count) => (result.backBytes += count)).catch(fail),
  ]);
  return result;
}

async function pump(from: ByteStream, to: ByteStream, count: (bytes: number) => void): Promise<void> {
  for (let bytes = await from.read(); bytes; bytes = await from.read()) {
    count(bytes.length);
    await to.write(bytes);
  }
  to.end();
}
