import type { Socket } from "node:net";

/**
 * Closes a TCP socket with RST and nothing before it. Node's own `resetAndDestroy` ends the stream first, so a peer that
 * reads in time sees FIN and takes the reset for an orderly end. One whose FIN is about to be sent is closed after it.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // libuv refuses to reset what is being shut down, and Node then forgets the handle with its descriptor open.
  const isShuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  // The flag that resetAndDestroy sets before it destroys.
  if (!isShuttingDown) (socket as Socket & { resetAndClosing?: boolean }).resetAndClosing = true;
  socket.destroy();
}
