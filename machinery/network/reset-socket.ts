import type { Socket } from "node:net";

/**
 * Closes a TCP socket with RST and nothing before it. Node's own `resetAndDestroy` ends the stream first, so a peer that
 * reads in time sees FIN and takes the reset for an orderly end.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // The flag that resetAndDestroy sets before it destroys.
  (socket as Socket & { resetAndClosing?: boolean }).resetAndClosing = true;
  socket.destroy();
}
