import type { Clock, Timer } from "../../machinery/api/clock.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { Decision } from "./decision.js";
import type { FlowRecord } from "./flow-log.js";

/** A UDP exchange: datagrams of one pair of addresses keep their backend while the entry lives. */
export interface ConntrackEntry {
  /** As the client sends, and as the backend sees it. */
  original: { from: SocketAddress; to: SocketAddress };
  translated: { from: SocketAddress; to: SocketAddress };
  decision: Decision;
  flow: FlowRecord;
  /** A reply was seen. */
  assured: boolean;
  lastSeenMs: number;
}

/** nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream. */
const UNREPLIED_MS = 30_000;
const ASSURED_MS = 120_000;
const SWEEP_MS = 10_000;
const MOST_ENTRIES = 65_536;
/** What a source port may become, and how many are tried. */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;
const MOST_PORT_TRIES = 128;

/** UDP's memory. TCP needs none: a connection is its own entry. */
export class Conntrack {
  readonly #clock: Clock;
  readonly #onEnd: (entry: ConntrackEntry) => void;
  readonly #byOriginal = new Map<string, ConntrackEntry>();
  readonly #byReply = new Map<string, ConntrackEntry>();
  /** By the port that the client sends to. */
  readonly #byPort = new Map<number, Set<ConntrackEntry>>();
  #sweep: Timer | undefined;

  constructor(clock: Clock, onEnd: (entry: ConntrackEntry) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#byOriginal.size;
  }

  entries(): IterableIterator<ConntrackEntry> {
    return this.#byOriginal.values();
  }

  /** The entry that a datagram from the client's side belongs to. */
  original(from: SocketAddress, to: SocketAddress): ConntrackEntry | undefined {
    return this.#fresh(this.#byOriginal.get(tuple(from, to)));
  }

  /** The entry that this datagram answers. */
  reply(from: SocketAddress, to: SocketAddress): ConntrackEntry | undefined {
    return this.#fresh(this.#byReply.get(tuple(from, to)));
  }

  /**
   * `from`, or the next port after it by which the answers of `to` can be told from those of other exchanges: clients
   * that leave a node under its address may have the same port (nf_nat_core get_unique_tuple).
   */
  uniqueSource(from: SocketAddress, to: SocketAddress): SocketAddress {
    for (let tries = 0; tries < MOST_PORT_TRIES; tries++) {
      const port = FIRST_PORT + ((Math.max(0, from.port - FIRST_PORT) + tries) % PORTS);
      const source = tries === 0 ? from : { ip: from.ip, port };
      if (!this.reply(to, source)) return source;
    }
    return from;
  }

  add(entry: ConntrackEntry): void {
    if (this.#byOriginal.size >= MOST_ENTRIES)
      for (const oldest of this.#byOriginal.values()) {
        this.#remove(oldest);
        break;
      }
    this.#byOriginal.set(tuple(entry.original.from, entry.original.to), entry);
    this.#byReply.set(tuple(entry.translated.to, entry.translated.from), entry);
    const { port } = entry.original.to;
    this.#byPort.set(port, (this.#byPort.get(port) ?? new Set()).add(entry));
    this.#sweep ??= this.#clock.setTimer(SWEEP_MS, () => this.#expire());
  }

  /** Forgets the entries to this port that are stale, as `conntrack -D` does. */
  flush(port: number, isStale: (entry: ConntrackEntry) => boolean): void {
    for (const entry of this.#byPort.get(port) ?? []) if (isStale(entry)) this.#remove(entry);
  }

  flushWhere(isStale: (entry: ConntrackEntry) => boolean): void {
    for (const entry of this.#byOriginal.values()) if (isStale(entry)) this.#remove(entry);
  }

  /** Stops the sweep; entries end. */
  close(): void {
    this.#sweep?.cancel();
    for (const entry of this.#byOriginal.values()) this.#remove(entry);
  }

  #fresh(entry: ConntrackEntry | undefined): ConntrackEntry | undefined {
    if (!entry || !this.#isExpired(entry)) return entry;
    this.#remove(entry);
    return undefined;
  }

  #isExpired(entry: ConntrackEntry): boolean {
    return this.#clock.monotonicMs() - entry.lastSeenMs >= (entry.assured ? ASSURED_MS : UNREPLIED_MS);
  }

  #expire(): void {
    this.#sweep = undefined;
    for (const entry of this.#byOriginal.values()) if (this.#isExpired(entry)) this.#remove(entry);
    if (this.#byOriginal.size > 0) this.#sweep = this.#clock.setTimer(SWEEP_MS, () => this.#expire());
  }

  #remove(entry: ConntrackEntry): void {
    const key = tuple(entry.original.from, entry.original.to);
    if (this.#byOriginal.get(key) !== entry) return;
    this.#byOriginal.delete(key);
    const reply = tuple(entry.translated.to, entry.translated.from);
    if (this.#byReply.get(reply) === entry) this.#byReply.delete(reply);
    const siblings = this.#byPort.get(entry.original.to.port);
    siblings?.delete(entry);
    if (siblings?.size === 0) this.#byPort.delete(entry.original.to.port);
    this.#onEnd(entry);
  }
}

const tuple = (from: SocketAddress, to: SocketAddress): string =>
  `${formatAddress(from)} ${formatAddress(to)}`;
