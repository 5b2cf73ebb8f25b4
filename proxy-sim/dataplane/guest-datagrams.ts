import { formatAddress, isIp, parseAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import type { Datagrams } from "./datagrams.js";

/** Above the ports that programs in the cluster are given. */
const FIRST_PORT = 61_000;
const LAST_PORT = 65_535;
/** Destinations of one guest; the oldest gives way. */
const MOST_EXCHANGES = 256;
const MOST_WAITING = 1024;
const LARGEST_DATAGRAM_BYTES = 65_507;

export type GuestLine = { session: number } | { from: string; payload: string };

interface Guest {
  ip: string;
  /** Destination → the port that its answers come to. */
  exchanges: Map<string, number>;
  waiting: GuestLine[];
  wake: () => void;
}

/**
 * UDP of somebody outside who takes an address inside the cluster: a client of the gateway, a try of `kubesim reach`. A
 * guest is a lease: it leaves with its answer's connection.
 */
export class GuestDatagrams {
  readonly #datagrams: Datagrams;
  readonly #guests = new Map<number, Guest>();
  readonly #answers = new Map<string, { guest: Guest; remote: string }>();
  readonly #ips = new Set<string>();
  #lastSession = 0;
  #nextPort = FIRST_PORT;

  constructor(datagrams: Datagrams) {
    this.#datagrams = datagrams;
  }

  adminHandlers(): AdminHandlers {
    return {
      "GET /udp/lease": ({ query, signal }) => this.lease(query.get("from") ?? "", signal),
      "POST /udp/send": ({ body }) => this.send(body as { session: number; to: string; payload: string }),
    };
  }

  /** First the session's number, then every datagram that comes for it (base64). Throws RangeError when `ip` is none. */
  lease(ip: string, signal: AbortSignal): AsyncIterable<GuestLine> {
    if (!isIp(ip)) throw new RangeError(`from must be an IP address, not "${ip}"`);
    this.#listenAt(ip);
    return this.#receive(ip, signal);
  }

  /** Throws RangeError for a session that has ended, and for what is no address. */
  send({ session, to, payload }: { session: number; to: string; payload: string }): void {
    const guest = this.#guests.get(session);
    const destination = parseAddress(to);
    if (!guest) throw new RangeError(`no UDP session ${session}`);
    if (!destination) throw new RangeError("to must be ip:port");
    const bytes = Buffer.from(payload, "base64");
    if (bytes.length > LARGEST_DATAGRAM_BYTES) throw new RangeError("longer than a datagram can be");
    const port = guest.exchanges.get(to) ?? this.#open(guest, to);
    this.#datagrams.send({ ip: guest.ip, port }, destination, bytes);
  }

  async *#receive(ip: string, signal: AbortSignal): AsyncGenerator<GuestLine> {
    const session = ++this.#lastSession;
    const guest: Guest = { ip, exchanges: new Map(), waiting: [], wake: () => {} };
    this.#guests.set(session, guest);
    const onAbort = (): void => guest.wake();
    signal.addEventListener("abort", onAbort);
    try {
      yield { session };
      while (!signal.aborted) {
        for (const line of guest.waiting.splice(0)) yield line;
        if (signal.aborted) return;
        await new Promise<void>((resolve) => {
          guest.wake = resolve;
          if (signal.aborted || guest.waiting.length > 0) resolve();
        });
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#guests.delete(session);
      for (const port of guest.exchanges.values()) this.#answers.delete(formatAddress({ ip, port }));
    }
  }

  #open(guest: Guest, remote: string): number {
    const [oldest] = guest.exchanges;
    if (guest.exchanges.size >= MOST_EXCHANGES && oldest) {
      guest.exchanges.delete(oldest[0]);
      this.#answers.delete(formatAddress({ ip: guest.ip, port: oldest[1] }));
    }
    const port = this.#freePort(guest.ip);
    guest.exchanges.set(remote, port);
    this.#answers.set(formatAddress({ ip: guest.ip, port }), { guest, remote });
    return port;
  }

  #freePort(ip: string): number {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
      if (!this.#answers.has(formatAddress({ ip, port }))) return port;
    }
    throw new RangeError("too many UDP exchanges of guests");
  }

  #listenAt(ip: string): void {
    if (this.#ips.has(ip)) return;
    this.#datagrams.addSink(ip, (to, bytes) => this.#deliver(to, bytes));
    this.#ips.add(ip);
  }

  /** Whether it was a guest's. */
  #deliver(to: SocketAddress, bytes: Uint8Array): boolean {
    const answer = this.#answers.get(formatAddress(to));
    if (!answer) return false;
    const { guest, remote } = answer;
    if (guest.waiting.length < MOST_WAITING)
      guest.waiting.push({ from: remote, payload: Buffer.from(bytes).toString("base64") });
    guest.wake();
    return true;
  }
}
