import { decode, encode, streamEncode, type Packet, type RecordType } from "dns-packet";
import type { Clock } from "../api/clock.js";
import type { Rng } from "../api/rng.js";
import { ConnectionError, type Connection, type Network, type SocketAddress } from "./network.js";
import { isIp } from "./addresses.js";
import { readLengthPrefixed } from "./length-prefixed.js";
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
/** Another server may know better. */
const NOT_AN_ANSWER: ReadonlySet<string> = new Set(["SERVFAIL", "REFUSED", "NOTIMP"]);

/** A stub resolver as glibc's: search list and ndots, servers in order, retries, TCP when an answer was cut. */
export class Resolver {
  readonly #options: ResolverOptions;
  #queriesSent = 0;
  /** Of option `rotate`. */
  #firstServer = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  get configuration(): ResolvConf {
    return parseResolvConf(this.#options.readFile("/etc/resolv.conf"));
  }

  /**
   * Addresses of a host, at least one: those of IPv4, then those of IPv6, because unique local addresses come after IPv4
   * (RFC 6724). An address, also in brackets, resolves to itself. Rejects with ResolveError.
   */
  async lookup(host: string): Promise<string[]> {
    const literal = host.replace(/^\[(.*)\]$/, "$1");
    if (isIp(literal)) return [literal];
    const known = hostsAddresses(this.#options.readFile("/etc/hosts"), host);
    if (known.length > 0) return known;
    if (!isEncodable(host)) throw new ResolveError("not-found", host);
    const configuration = this.configuration;
    const names = searchNames(host, configuration);
    const absolute = host.replace(/\.$/, "");
    let reason: "not-found" | "try-again" = "not-found";
    let isSilent = false;
    for (const name of names) {
      // Servers that say nothing would say nothing to the other domains either; the name itself is always tried.
      if (isSilent && name !== absolute) continue;
      const answers = await this.#queryFamilies(name, configuration);
      const addresses = [...new Set(answers.flatMap((answer) => (answer ? addressesIn(answer) : [])))];
      if (addresses.length > 0) return addresses;
      isSilent = answers.includes(undefined);
      if (isSilent || answers.some((answer) => answer?.rcode === "SERVFAIL")) reason = "try-again";
    }
    throw new ResolveError(reason, host);
  }

  /** Queries sent so far, also those that are sent again and over TCP: what lookups cost. */
  get queriesSent(): number {
    return this.#queriesSent;
  }

  /** A and AAAA at once, as getaddrinfo asks; one after the other with option `single-request`. */
  async #queryFamilies(name: string, configuration: ResolvConf): Promise<(DnsAnswer | undefined)[]> {
    const v4 = this.#queryServers(name, "A", configuration);
    if (configuration.singleRequest) await v4;
    return Promise.all([v4, this.#queryServers(name, "AAAA", configuration)]);
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
    const nameservers = this.#inTurn(configuration);
    for (let attempt = 0; attempt < configuration.attempts; attempt++) {
      for (const server of nameservers) {
        const answer = await this.#ask(name, type, server, configuration);
        if (answer && !NOT_AN_ANSWER.has(answer.rcode)) return answer;
        failure = answer ?? failure;
      }
      // A server that says it failed is not asked again; one that says nothing is.
      if (failure) return failure;
    }
    return undefined;
  }

  #inTurn({ nameservers, rotate }: ResolvConf): readonly SocketAddress[] {
    if (!rotate || nameservers.length < 2) return nameservers;
    const first = this.#firstServer++ % nameservers.length;
    return [...nameservers.slice(first), ...nameservers.slice(0, first)];
  }

  async #ask(
    name: string,
    type: RecordType,
    server: SocketAddress,
    { timeoutMs, useTcp }: ResolvConf,
  ): Promise<DnsAnswer | undefined> {
    const id = this.#options.rng.int(0, 0xffff);
    const query: Packet = {
      type: "query",
      id,
      flags: 0x100,
      questions: [{ type, name: name.endsWith(".") ? name.slice(0, -1) : name, class: "IN" }],
    };
    if (!isEncodable(name)) return undefined;
    if (useTcp) return this.#askTcp(query, server, timeoutMs);
    const answer = await this.#askUdp(query, server, timeoutMs);
    if (!answer || ((answer.flags ?? 0) & TRUNCATED) === 0) return answer;
    return (await this.#askTcp(query, server, timeoutMs)) ?? answer;
  }

  async #askUdp(query: Packet, server: SocketAddress, timeoutMs: number): Promise<DnsAnswer | undefined> {
    const socket = this.#options.network.bindUdp(0);
    const timer = this.#options.clock.setTimer(timeoutMs, () => socket.close());
    try {
      this.#queriesSent += 1;
      socket.send(server, encode(query));
      for (;;) {
        const datagram = await socket.receive();
        if (!datagram) return undefined;
        const answer = decodeAnswer(datagram.bytes, server);
        if (answer && datagram.from.ip === server.ip && answersQuery(answer, query)) return answer;
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
      this.#queriesSent += 1;
      await connection.write(streamEncode(query));
      const message = await readLengthPrefixed(connection);
      const answer = message && decodeAnswer(message.subarray(2), server);
      return answer && answersQuery(answer, query) ? answer : undefined;
    } catch (err) {
      if (err instanceof ConnectionError) return undefined;
      throw err;
    } finally {
      timer.cancel();
      connection.reset();
    }
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

/** Whether the name has a form on the wire at all: no empty and no overlong label. */
const isEncodable = (name: string): boolean => {
  const labels = name.replace(/\.$/, "").split(".");
  const bytes = labels.map((label) => Buffer.byteLength(label));
  return (
    (name === "" || name === "." || bytes.every((length) => length > 0 && length <= 63)) &&
    bytes.reduce((sum, length) => sum + length + 1, 1) <= 255
  );
};

/** Late answers to another question, and forged ones, are passed over. */
function answersQuery({ id, questions = [] }: DnsAnswer, query: Packet): boolean {
  const [asked] = query.questions ?? [];
  const [repeated] = questions;
  const isSame =
    !repeated ||
    (repeated.type === asked?.type && repeated.name.toLowerCase() === (asked.name || ".").toLowerCase());
  return id === query.id && isSame;
}

const addressesIn = (answer: DnsAnswer): string[] =>
  (answer.answers ?? []).flatMap((record) =>
    record.type === "A" || record.type === "AAAA" ? [record.data] : [],
  );
