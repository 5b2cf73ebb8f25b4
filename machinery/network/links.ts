import type { Rng } from "../api/rng.js";
import { FaultParameters } from "../runtime/fault-parameters.js";
import { PrefixTable } from "./addresses.js";
import type { Latency } from "./memory-pipe.js";

/** Both ends of one way: the nodes (empty outside the cluster), and the addresses that the two programs have. */
export interface LinkEnds {
  source: string;
  destination: string;
  from: string;
  to: string;
}

/** What is wrong with ways from `from` to `to`, and back unless told otherwise by the other direction being healthy. */
export interface LinkFault {
  /** Node names; absent: every node. */
  sources?: ReadonlySet<string> | undefined;
  destinations?: ReadonlySet<string> | undefined;
  /** Addresses or CIDRs; absent: every address. */
  from?: readonly string[] | undefined;
  to?: readonly string[] | undefined;
  delayMs?: number;
  /** Uniform, on top of the delay. */
  jitterMs?: number;
  /** 0 to 100. TCP sends a lost packet again, a datagram is gone. What is corrupted fails its checksum and counts as lost. */
  lossPercent?: number;
  /** Of datagrams: TCP hides it. */
  duplicatePercent?: number;
  /** Of datagrams: so many come `reorderMs` later than those behind them. */
  reorderPercent?: number;
  reorderMs?: number;
  /** Shared by everything that takes these ways. */
  bytesPerSecond?: number;
  /** The end of a connection (FIN) comes so much later. */
  slowCloseMs?: number;
  /** Nothing passes. */
  cut?: boolean;
  /** Open connections are reset when the fault begins, and new ones are refused. */
  reset?: boolean;
  /** Open connections fall silent for ever when the fault begins: neither end is told, also not when it is healed. */
  vanish?: boolean;
  /** A connection is reset once it has carried so many bytes this way. */
  limitBytes?: number;
}

const NAMES = [
  "sources",
  "destinations",
  "from",
  "to",
  "delayMs",
  "jitterMs",
  "lossPercent",
  "duplicatePercent",
  "reorderPercent",
  "reorderMs",
  "bytesPerSecond",
  "slowCloseMs",
  "cut",
  "reset",
  "vanish",
  "limitBytes",
];

/** Throws RangeError. */
export function parseLinkFault(values: Readonly<Record<string, unknown>>): LinkFault {
  const read = new FaultParameters(values, NAMES);
  const from = read.texts("from");
  const to = read.texts("to");
  return {
    sources: read.texts("sources"),
    destinations: read.texts("destinations"),
    from: from && [...from],
    to: to && [...to],
    delayMs: read.number("delayMs"),
    jitterMs: read.number("jitterMs"),
    lossPercent: read.percent("lossPercent"),
    duplicatePercent: read.percent("duplicatePercent"),
    reorderPercent: read.percent("reorderPercent"),
    reorderMs: read.number("reorderMs"),
    bytesPerSecond: read.number("bytesPerSecond"),
    slowCloseMs: read.number("slowCloseMs"),
    cut: read.flag("cut"),
    reset: read.flag("reset"),
    vanish: read.flag("vanish"),
    limitBytes: read.number("limitBytes"),
  };
}

/** A connection as a fault ends it. */
export interface Breakable {
  reset(): void;
  vanish(): void;
  readonly closed: Promise<void>;
}

interface Active {
  fault: LinkFault;
  isFrom: (ip: string) => boolean;
  isTo: (ip: string) => boolean;
  /** When the last byte that was let through has left, by the clock of who asks. */
  busyUntilMs: number;
}

interface Open {
  ends: LinkEnds;
  connection: Breakable;
}

/** The ways between hosts. Healthy unless a fault was set; faults of one way add up. */
export class Links {
  readonly #rng: Rng;
  readonly #nowMs: () => number;
  readonly #faults = new Map<string, Active>();
  readonly #open = new Set<Open>();

  /** `nowMs`: monotonic. */
  constructor(rng: Rng, nowMs: () => number) {
    this.#rng = rng;
    this.#nowMs = nowMs;
  }

  /** Sets or replaces the fault called `name`. */
  set(name: string, fault: LinkFault): void {
    const active = { fault, isFrom: matcher(fault.from), isTo: matcher(fault.to), busyUntilMs: 0 };
    this.#faults.set(name, active);
    if (!fault.reset && !fault.vanish) return;
    for (const { ends, connection } of this.#open) {
      if (!concerns(active, ends) && !concerns(active, reversed(ends))) continue;
      if (fault.reset) connection.reset();
      else connection.vanish();
    }
  }

  /** Heals; a name that is not there is healthy already. */
  clear(name: string): void {
    this.#faults.delete(name);
  }

  list(): readonly ({ name: string } & LinkFault)[] {
    return [...this.#faults].map(([name, { fault }]) => ({ name, ...fault }));
  }

  get healthy(): boolean {
    return this.#faults.size === 0;
  }

  /** Whether a new connection is answered with a reset. */
  refuses(ends: LinkEnds): boolean {
    if (this.healthy) return false;
    return this.#between(ends).some(({ fault }) => fault.reset === true);
  }

  /** Lets faults end this connection until it is closed. */
  track(ends: LinkEnds, connection: Breakable): void {
    const open = { ends, connection };
    this.#open.add(open);
    void connection.closed.then(() => this.#open.delete(open));
  }

  /**
   * What the next packet of a connection takes: Infinity when it is lost. Bytes are counted for `limitBytes`, which ends the
   * connection that is tracked under the same `ends`.
   */
  latency(ends: LinkEnds): Latency {
    let carried = 0;
    return (bytes) => {
      if (this.healthy) return 0;
      carried += bytes ?? 0;
      let sumMs = 0;
      for (const active of this.#between(ends)) {
        const { fault } = active;
        if (fault.cut || this.#draw(fault.lossPercent)) return Number.POSITIVE_INFINITY;
        sumMs += this.#delay(active, bytes);
        if (fault.limitBytes && carried > fault.limitBytes) this.#resetAt(ends);
      }
      return sumMs;
    };
  }

  /** When each copy of a datagram arrives; none when it is lost. */
  datagram(ends: LinkEnds, bytes: number): number[] {
    if (this.healthy) return [0];
    const baseMs = this.latency(ends)(bytes);
    if (baseMs === Number.POSITIVE_INFINITY) return [];
    const copies = [baseMs];
    for (const { fault } of this.#between(ends)) {
      if (this.#draw(fault.reorderPercent)) copies[0] = (copies[0] ?? 0) + (fault.reorderMs || 1);
      if (this.#draw(fault.duplicatePercent)) copies.push(baseMs);
    }
    return copies;
  }

  #delay(active: Active, bytes: number | undefined): number {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond = 0, slowCloseMs = 0 } = active.fault;
    let sumMs = delayMs + (jitterMs > 0 ? this.#rng.next() * jitterMs : 0);
    if (bytes === 0) sumMs += slowCloseMs;
    if (bytesPerSecond > 0 && bytes) {
      const nowMs = this.#nowMs();
      active.busyUntilMs = Math.max(active.busyUntilMs, nowMs) + (bytes / bytesPerSecond) * 1000;
      sumMs += active.busyUntilMs - nowMs;
    }
    return sumMs;
  }

  #draw(percent = 0): boolean {
    return percent > 0 && this.#rng.next() * 100 < percent;
  }

  /** Not within the packet that was too much: whoever sends it is still at it. */
  #resetAt(ends: LinkEnds): void {
    for (const open of this.#open)
      if (open.ends === ends || isReversed(open.ends, ends)) queueMicrotask(() => open.connection.reset());
  }

  #between(ends: LinkEnds): Active[] {
    return [...this.#faults.values()].filter((active) => concerns(active, ends));
  }
}

export const reversed = ({ source, destination, from, to }: LinkEnds): LinkEnds => ({
  source: destination,
  destination: source,
  from: to,
  to: from,
});

const isReversed = (one: LinkEnds, other: LinkEnds): boolean =>
  one.source === other.destination &&
  one.destination === other.source &&
  one.from === other.to &&
  one.to === other.from;

const concerns = ({ fault, isFrom, isTo }: Active, { source, destination, from, to }: LinkEnds): boolean =>
  (fault.sources === undefined || fault.sources.has(source)) &&
  (fault.destinations === undefined || fault.destinations.has(destination)) &&
  isFrom(from) &&
  isTo(to);

function matcher(prefixes: readonly string[] | undefined): (ip: string) => boolean {
  if (prefixes === undefined) return () => true;
  const table = new PrefixTable<true>();
  for (const prefix of prefixes) table.set(prefix, true);
  return (ip) => table.lookup(ip) === true;
}
