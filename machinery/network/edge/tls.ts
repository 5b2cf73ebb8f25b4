import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../../api/clock.js";
import { type Connection, ConnectionError } from "../network.js";
import { withRest } from "../with-rest.js";
import { type PeekedHello, peekClientHello } from "./client-hello.js";
import { SocketConnection } from "../socket-connection.js";
import { ConnectionDuplex } from "./duplex.js";

const HANDSHAKE_TIMEOUT_MS = 10_000;

export interface TlsServerOptions {
  clock: Clock;
  /** The certificate for a server name (SNI); undefined when the client names none. */
  contextFor: (serverName: string | undefined) => SecureContext;
}

/** Does the server's part of a handshake. Rejects with ConnectionError; the connection is then reset. */
export async function acceptTls(connection: Connection, options: TlsServerOptions): Promise<Connection> {
  const { clock, contextFor } = options;
  const timer = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => connection.reset());
  let hello: PeekedHello;
  try {
    hello = await peekClientHello(connection);
  } finally {
    timer.cancel();
  }
  // Not SNICallback: that one adds its certificate beside the default one, and OpenSSL then prefers one by its kind of key.
  const { local, remote } = connection;
  const secure = new TLSSocket(
    new ConnectionDuplex({ ...withRest(connection, hello.bytes), local, remote }),
    {
      isServer: true,
      secureContext: contextFor(hello.serverName),
      ALPNProtocols: ["http/1.1"],
      requestCert: false,
    },
  );
  return await established(secure, "secure", connection, clock);
}

/** Does the client's part of a handshake, whatever certificate the server shows. Rejects with ConnectionError. */
export function dialTls(connection: Connection, serverName: string, clock: Clock): Promise<Connection> {
  const secure = connect({
    socket: new ConnectionDuplex(connection),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    ...(/[a-z]/i.test(serverName) && !serverName.includes(":") ? { servername: serverName } : {}),
  });
  return established(secure, "secureConnect", connection, clock);
}

function established(
  secure: TLSSocket,
  event: "secure" | "secureConnect",
  under: Connection,
  clock: Clock,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const fail = (err?: Error): void => {
      timer.cancel();
      secure.destroy();
      reject(new ConnectionError("reset", err?.message ?? "TLS handshake failed"));
    };
    const timer = clock.setTimer(HANDSHAKE_TIMEOUT_MS, () => fail(new Error("TLS handshake timeout")));
    const onClose = (): void => fail();
    secure.on("error", fail);
    secure.on("_tlsError", fail);
    secure.once("close", onClose);
    secure.once(event, () => {
      timer.cancel();
      secure.off("close", onClose);
      secure.off("_tlsError", fail);
      const connection = new TlsConnection(secure, under.local, under.remote);
      secure.off("error", fail);
      resolve(connection);
    });
  });
}

/** A TLS stream over a virtual connection: what lies below is reset through it. */
class TlsConnection extends SocketConnection {
  override reset(): void {
    if (!this.socket.destroyed) this.socket.destroy(new Error("connection was reset here"));
  }
}

/** Throws Error when the certificate or key is not one, or the two do not belong together. */
export const toSecureContext = ({ cert, key }: { cert: string; key: string }): SecureContext =>
  createSecureContext({ cert, key, minVersion: "TLSv1.2" });
