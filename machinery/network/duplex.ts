import { Duplex } from "node:stream";
import type { Connection } from "./network.js";
import { SocketConnection } from "./socket-connection.js";

/** The connection as a Node stream, for TLS and HTTP servers. A connection on a socket is that socket. */
export function toDuplex(connection: Connection): Duplex {
  if (connection instanceof SocketConnection) return connection.socket;
  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      connection.read().then(
        (bytes) => this.push(bytes ?? null),
        (err: unknown) => this.destroy(err as Error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      connection.write(chunk).then(() => done(), done);
    },
    final(done) {
      connection.end();
      done();
    },
    destroy(err, done) {
      if (err || !this.readableEnded || !this.writableFinished) connection.reset();
      done(err);
    },
  });
  return duplex;
}
