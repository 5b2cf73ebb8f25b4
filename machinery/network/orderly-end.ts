import type { Socket } from "node:net";

/**
 * Calls back when the peer has ended its direction and meant it. When bytes and RST arrive together libuv reports an end
 * of stream and no error; writing nothing brings the error out, and the socket then fails as it should have.
 */
export function onOrderlyEnd(socket: Socket, callback: () => void): void {
  socket.once("end", () => {
    if (socket.writableEnded || socket.destroyed) callback();
    else
      socket.write("", (err) => {
        if (!err) callback();
      });
  });
}
