import { createSocket } from "node:dgram";

/** The least that answering a datagram can be: send it back. Marked as an answer with one record, unread. */
export async function serve(): Promise<{ port: number }> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
  socket.on("message", (bytes, from) => {
    bytes[2] = 0x81;
    bytes[7] = 1;
    socket.send(bytes, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: socket.address().port };
}
