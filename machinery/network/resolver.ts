import { decode, encode, streamDecode, streamEncode, type Packet, type RecordType } from "dns-packet";
import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { ConnectionError, type Connection, type Network, type SocketAddress } from "./network.js";
import { isIp } from "./addresses.js";
import { hostsAddresses, parseResolvConf, type ResolvConf, searchNames } from "./resolv-conf.js";

/** `not-found`: NXDOMAIN, or no address of this kind. `try-again`: no name server answered, or only SERVFAIL. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
  readonly reason: "not-found" | "try-again";
  constructor(reason: "not-found" | "try-again", host: string) {
    super(`${host}: ${reason === "not-found" ? "Name does not resolve" : "Try again"}`);
    this.reason = reason;
  }
}

/** A decoded answer. `rcode` is `NOERROR`, `NXDOMAIN`, `SERVFAIL`, … */
export type DnsAnswer = Packet & { rcode: string; server: SocketAddress };

export interface ResolverOptions {
  network: Network;
  clock: Clock;
  rng: Rng;
  /** Reads `/etc/resolv.conf` and `/etc/hosts` anew at each lookup; empty when missing. */
  readFile: (path: string) => string;
}

const TRUNCATED = 1 << 9;

/** A stub resolver as glibc's: search list and ndots, servers in order, retries, TCP when an answer was cut. */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  get configuration(): ResolvConf {
    return parseResolvConf(this.#options.readFile("/etc/resolv.conf"));
  }

  /**
   * Addresses of a host, at least one: those of IPv4, else those of IPv6, because unique local addresses come after IPv4
   * (RFC 6724). An address, also in brackets, resolves to itself. Rejects with ResolveError.
   */
  async lookup(host: string): Promise<string[]> {
    const literal = host.replace(/^\[(.*)\]$/, "$1");
    if (isIp(literal)) return [literal];
    const known = hostsAddresses(this.#options.readFile("/etc/hosts"), host);
    if (known.length > 0) return known;
    const configuration = this.configuration;
    let reason: "not-found" | "try-again" = "not-found";
    for (const name of searchNames(host, configuration)) {
      let answer = await this.#queryServers(name, "A", configuration);
      // The name is there, but has no address of this family.
      if (answer?.rcode === "NOERROR" && addressesIn(answer).length === 0)
        answer = await this.#queryServers(name, "AAAA", configuration);
      const addresses = answer ? addressesIn(answer) : [];
      if (addresses.length > 0) return addresses;
      if (!answer || answer.rcode === "SERVFAIL") reason = "try-again";
    }
    throw new ResolveError(reason, host);
  }

  /** One name as it is, without hosts file and search list. Undefined when no server gave an answer. */
  query(name: string, type: RecordType, server?: SocketAddress): Promise<DnsAnswer | undefined> {
    const configuration = this.configuration;
    const nameservers = server ? [server] : configuration.nameservers;
    return this.#queryServers(name, type, { ...configuration, nameservers });
  }

  async #queryServers(
    name: string,
    type: RecordType,
    configuration: ResolvConf,
  ): Promise<DnsAnswer | undefined> {
    let failure: DnsAnswer | undefined;
    for (let attempt = 0; attempt < configuration.attempts; attempt++) {
      for (const server of configuration.nameservers) {
        const answer = await this.#ask(name, type, server, configuration.timeoutMs);
        if (answer && answer.rcode !== "SERVFAIL" && answer.rcode !== "REFUSED") return answer;
        failure = answer ?? failure;
      }
      // A server that says it failed is not asked again; one that says nothing is.
      if (failure) return failure;
    }
    return undefined;
  }

  async #ask(
    name: string,
    type: RecordType,
    server: SocketAddress,
    timeoutMs: number,
  ): Promise<DnsAnswer | undefined> {
    const id = this.#options.rng.int(0, 0xffff);
    const query: Packet = {
      type: "query",
      id,
      flags: 0x100,
      questions: [{ type, name: name.endsWith(".") ? name.slice(0, -1) : name, class: "IN" }],
    };
    const answer = await this.#askUdp(query, server, timeoutMs);
    if (!answer || ((answer.flags ?? 0) & TRUNCATED) === 0) return answer;
    return (await this.#askTcp(query, server, timeoutMs)) ?? answer;
  }

  async #askUdp(query: Packet, server: SocketAddress, timeoutMs: number): Promise<DnsAnswer | undefined> {
    const socket = this.#options.network.bindUdp(0);
    const timer = this.#options.clock.setTimer(timeoutMs, () => socket.close());
    try {
      socket.send(server, encode(query));
      for (;;) {
        const datagram = await socket.receive();
        if (!datagram) return undefined;
        const answer = decodeAnswer(datagram.bytes, server);
        if (answer?.id === query.id && datagram.from.ip === server.ip) return answer;
      }
    } finally {
      timer.cancel();
      socket.close();
    }
  }

  async #askTcp(query: Packet, server: SocketAddress, timeoutMs: number): Promise<DnsAnswer | undefined> {
    let connection: Connection;
    try {
      connection = await this.#options.network.connect(server, { timeoutMs });
    } catch (err) {
      if (err instanceof ConnectionError) return undefined;
      throw err;
    }
    const timer = this.#options.clock.setTimer(timeoutMs, () => connection.reset());
    try {
      await connection.write(streamEncode(query));
      const message = await readLengthPrefixed(connection);
      return message && toAnswer(streamDecode(Buffer.from(message)), server);
    } catch (err) {
      if (err instanceof ConnectionError || err instanceof RangeError) return undefined;
      throw err;
    } finally {
      timer.cancel();
      connection.reset();
    }
  }
}

/** One message with its two bytes of length; undefined when the stream ends first. */
export async function readLengthPrefixed(
  connection: Pick<Connection, "read">,
  rest: { bytes: Uint8Array } = { bytes: new Uint8Array() },
): Promise<Uint8Array | undefined> {
  let buffer = rest.bytes;
  for (;;) {
    if (buffer.length >= 2) {
      const end = 2 + ((buffer[0] ?? 0) << 8) + (buffer[1] ?? 0);
      if (buffer.length >= end) {
        rest.bytes = buffer.subarray(end);
        return buffer.subarray(0, end);
      }
    }
    const chunk = await connection.read();
    if (!chunk) return undefined;
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
  }
}

function decodeAnswer(bytes: Uint8Array, server: SocketAddress): DnsAnswer | undefined {
  try {
    return toAnswer(decode(Buffer.from(bytes)), server);
  } catch {
    return undefined; // not a DNS message: whoever sent it, it is no answer
  }
}

const toAnswer = (packet: Packet, server: SocketAddress): DnsAnswer => ({
  ...packet,
  rcode: (packet as { rcode?: string }).rcode ?? "NOERROR",
  server,
});

const addressesIn = (answer: DnsAnswer): string[] =>
  (answer.answers ?? []).flatMap((record) =>
    record.type === "A" || record.type === "AAAA" ? [record.data] : [],
  );
