import type { Logger } from "../api/logger.js";
import {
  ConnectionError,
  type Connection,
  type Listener,
  type Network,
  type SocketAddress,
  type UdpSocket,
} from "../network/network.js";
import { readLengthPrefixed } from "../network/resolver.js";
import { decodeQuery, type DnsQuery, encodeReply } from "./message.js";
import { type DnsQuestion, type DnsReply, emptyReply } from "./reply.js";

export interface DnsServerOptions {
  network: Network;
  /** Default 53. */
  port?: number;
  answer: (question: DnsQuestion, from: SocketAddress) => DnsReply;
  logger: Logger;
}

const LARGEST_TCP_BYTES = 65_535;
const MOST_TCP_CONNECTIONS = 1000;

/** A name server on UDP and TCP. Unknown and broken messages are answered as the standard says, and never end it. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #connections = new Set<Connection>();
  #socket: UdpSocket | undefined;
  #listener: Listener | undefined;

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  /** Answers until `stop`. Throws ConnectionError `address-in-use` before anything is answered. */
  run(): Promise<void> {
    const { network, port = 53 } = this.#options;
    const socket = network.bindUdp(port);
    this.#socket = socket;
    try {
      this.#listener = network.listen(port, (connection) => this.#accept(connection));
    } catch (err) {
      socket.close();
      throw err;
    }
    return this.#serveDatagrams(socket);
  }

  stop(): void {
    this.#socket?.close();
    this.#listener?.close();
    for (const connection of this.#connections) connection.reset();
  }

  async #serveDatagrams(socket: UdpSocket): Promise<void> {
    for (;;) {
      const datagram = await socket.receive();
      if (!datagram) return;
      const query = decodeQuery(datagram.bytes);
      if (query)
        socket.send(datagram.from, encodeReply(query, this.#reply(query, datagram.from), query.udpBytes));
    }
  }

  #accept(connection: Connection): void {
    if (this.#connections.size >= MOST_TCP_CONNECTIONS) return connection.reset();
    this.#connections.add(connection);
    this.#serveConnection(connection)
      .catch((err: unknown) => {
        if (!(err instanceof ConnectionError)) this.#options.logger.debug("A DNS connection failed", { err });
        connection.reset();
      })
      .finally(() => this.#connections.delete(connection));
  }

  async #serveConnection(connection: Connection): Promise<void> {
    const rest = { bytes: new Uint8Array() };
    for (;;) {
      const message = await readLengthPrefixed(connection, rest);
      if (!message) break;
      const query = decodeQuery(message.subarray(2));
      if (!query) break;
      const bytes = encodeReply(query, this.#reply(query, connection.remote), LARGEST_TCP_BYTES);
      await connection.write(Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]));
    }
    connection.end();
  }

  #reply(query: DnsQuery, from: SocketAddress): DnsReply {
    if (query.refusal || !query.question) return emptyReply(query.refusal ?? "FORMERR");
    try {
      return this.#options.answer(query.question, from);
    } catch (err) {
      this.#options.logger.error("A DNS question could not be answered", { name: query.question.name, err });
      return emptyReply("SERVFAIL");
    }
  }
}
