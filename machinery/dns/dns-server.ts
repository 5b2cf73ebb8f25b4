import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import {
  type Connection,
  ConnectionError,
  type Listener,
  type Network,
  type SocketAddress,
  type UdpSocket,
} from "../network/network.js";
import { readLengthPrefixed } from "../network/length-prefixed.js";
import { encodeReply } from "./message.js";
import type { DnsHandler, DnsRequest } from "./plugins/plugin.js";
import { decodeQuery, type DnsQuery, udpLimitOf } from "./query.js";
import { type DnsReply, emptyReply } from "./reply.js";

/** One answered question; `request` is absent when the message was refused before anything was asked. */
export interface DnsExchange {
  request: DnsRequest | undefined;
  reply: DnsReply;
  protocol: DnsRequest["protocol"];
  responseBytes: number;
}

export interface DnsServerOptions {
  network: Network;
  /** Default 53. */
  port?: number;
  answer: DnsHandler;
  clock: Clock;
  logger: Logger;
  /** Most bytes of an answer over UDP, whatever the asker takes (plugin `bufsize`). */
  mostUdpBytes?: number;
  /** Told of each answer before it is sent. */
  observe?: (exchange: DnsExchange) => void;
}

const LARGEST_TCP_BYTES = 65_535;
const MOST_TCP_CONNECTIONS = 1000;
/** As CoreDNS's plugin `timeouts`: a client that sends nothing, or reads nothing, does not keep its connection. */
const IDLE_MS = 10_000;
const WRITE_MS = 5000;
/** Questions that wait for somebody else; more are dropped, as a full socket buffer would. */
const MOST_WAITING_QUESTIONS = 4096;

/** A name server on UDP and TCP. Unknown and broken messages are answered as the standard says, and never end it. */
export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #connections = new Set<Connection>();
  #socket: UdpSocket | undefined;
  #listener: Listener | undefined;
  #waiting = 0;

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
      const { from, bytes } = datagram;
      const response = this.#respond(bytes, from, "udp");
      if (response instanceof Promise) this.#sendLater(socket, from, response);
      else if (response) socket.send(from, response);
    }
  }

  #sendLater(socket: UdpSocket, to: SocketAddress, response: Promise<Uint8Array>): void {
    this.#waiting += 1;
    response
      .then((bytes) => socket.send(to, bytes))
      .catch((err: unknown) => this.#options.logger.debug("A DNS answer was not sent", { err }))
      .finally(() => {
        this.#waiting -= 1;
      });
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
      const message = await this.#within(connection, IDLE_MS, () => readLengthPrefixed(connection, rest));
      if (!message) break;
      const bytes = await this.#respond(message.subarray(2), connection.remote, "tcp");
      if (!bytes) break;
      const framed = Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
      await this.#within(connection, WRITE_MS, () => connection.write(framed));
    }
    connection.end();
  }

  /** What takes longer ends with its connection. */
  async #within<T>(connection: Connection, limitMs: number, act: () => Promise<T>): Promise<T> {
    const timer = this.#options.clock.setTimer(limitMs, () => connection.reset());
    try {
      return await act();
    } finally {
      timer.cancel();
    }
  }

  /** Undefined: no answer at all. */
  #respond(
    bytes: Uint8Array,
    from: SocketAddress,
    protocol: DnsRequest["protocol"],
  ): Uint8Array | Promise<Uint8Array> | undefined {
    const query = decodeQuery(bytes);
    if (!query || this.#waiting >= MOST_WAITING_QUESTIONS) return undefined;
    const limitBytes = protocol === "tcp" ? LARGEST_TCP_BYTES : udpLimitOf(query, this.#options.mostUdpBytes);
    const { question } = query;
    const request = question && {
      question,
      name: question.name.toLowerCase(),
      from,
      protocol,
      dnssecOk: query.edns?.dnssecOk ?? false,
      sizeBytes: bytes.length,
      limitBytes,
      id: query.id,
    };
    const encoded = (reply: DnsReply): Uint8Array =>
      this.#encode(query, { request, reply, protocol }, limitBytes);
    if (query.refusal || !request) return encoded(emptyReply(query.refusal ?? "FORMERR"));
    try {
      const reply = this.#options.answer(request);
      if (!(reply instanceof Promise)) return encoded(reply);
      return reply.then(encoded, (err: unknown) => encoded(this.#failed(request, err)));
    } catch (err) {
      return encoded(this.#failed(request, err));
    }
  }

  #encode(query: DnsQuery, exchange: Omit<DnsExchange, "responseBytes">, limitBytes: number): Uint8Array {
    const bytes = encodeReply(query, exchange.reply, limitBytes);
    this.#options.observe?.({ ...exchange, responseBytes: bytes.length });
    return bytes;
  }

  #failed({ question }: DnsRequest, err: unknown): DnsReply {
    this.#options.logger.error("A DNS question could not be answered", { name: question.name, err });
    return emptyReply("SERVFAIL");
  }
}
