import type { Answer } from "dns-packet";
import type { Clock } from "../../api/clock.js";
import { isInZone } from "../names.js";
import type { DnsReply } from "../reply.js";
import { afterwards, type DnsPlugin, type DnsRequest } from "./plugin.js";

/** Durations in seconds. */
export interface CacheLimits {
  capacity: number;
  mostTtl: number;
  leastTtl: number;
}

export interface CacheOptions {
  zones: readonly string[];
  success: CacheLimits;
  denial: CacheLimits;
  /** How long a SERVFAIL is remembered; 0 is not at all. */
  servfailSeconds: number;
  /** Zones that are not remembered: all of them when the list is empty. */
  disabledSuccess: readonly string[] | undefined;
  disabledDenial: readonly string[] | undefined;
}

export const CACHE_DEFAULTS: CacheOptions = {
  zones: [""],
  success: { capacity: 9984, mostTtl: 3600, leastTtl: 5 },
  denial: { capacity: 9984, mostTtl: 1800, leastTtl: 5 },
  servfailSeconds: 5,
  disabledSuccess: undefined,
  disabledDenial: undefined,
};

export type CacheKind = "success" | "denial";

export interface CacheCounters {
  hit(kind: CacheKind): void;
  miss(): void;
  evicted(kind: CacheKind): void;
}

interface Item {
  reply: DnsReply;
  storedAtMs: number;
  ttlSeconds: number;
}

// Upstream: coredns plugin/cache cache.go, item.go.
/** Remembers answers and denials; their TTLs go down while they wait. */
export class Cache {
  readonly #options: CacheOptions;
  readonly #clock: Clock;
  readonly #counters: CacheCounters | undefined;
  readonly #items: Readonly<Record<CacheKind, Map<string, Item>>> = { success: new Map(), denial: new Map() };

  constructor(options: CacheOptions, clock: Clock, counters?: CacheCounters) {
    this.#options = options;
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Entries held, also those that have run out and wait for their place to be needed. */
  size(kind: CacheKind): number {
    return this.#items[kind].size;
  }

  readonly plugin: DnsPlugin = (next) => (request) => {
    if (!this.#options.zones.some((zone) => isInZone(request.name, zone))) return next(request);
    const key = `${request.name} ${request.question.type} ${request.dnssecOk ? 1 : 0}`;
    const known = this.#get(key);
    if (known) return known;
    this.#counters?.miss();
    return afterwards(next(request), (reply) => this.#store(key, request, reply));
  };

  #get(key: string): DnsReply | undefined {
    for (const kind of ["denial", "success"] as const) {
      const item = this.#items[kind].get(key);
      if (!item) continue;
      const ageSeconds = Math.floor((this.#clock.nowMs() - item.storedAtMs) / 1000);
      if (ageSeconds >= item.ttlSeconds) {
        this.#items[kind].delete(key);
        continue;
      }
      this.#counters?.hit(kind);
      // As upstream: some clients pass over answers that are not authoritative.
      return { ...withTtl(item.reply, item.ttlSeconds - ageSeconds), authoritative: true };
    }
    return undefined;
  }

  #store(key: string, { name }: DnsRequest, reply: DnsReply): DnsReply {
    const kind: CacheKind = reply.rcode === "NOERROR" && reply.answers.length > 0 ? "success" : "denial";
    const ttlSeconds = this.#ttlOf(kind, reply);
    const disabled = kind === "success" ? this.#options.disabledSuccess : this.#options.disabledDenial;
    const isDisabled = disabled && (disabled.length === 0 || disabled.some((zone) => isInZone(name, zone)));
    const limits = this.#options[kind];
    if (ttlSeconds === undefined || ttlSeconds <= 0 || isDisabled || limits.capacity === 0) return reply;
    const items = this.#items[kind];
    if (items.size >= limits.capacity) {
      const oldest = items.keys().next().value;
      if (oldest !== undefined) items.delete(oldest);
      this.#counters?.evicted(kind);
    }
    items.set(key, { reply, storedAtMs: this.#clock.nowMs(), ttlSeconds });
    return withTtl(reply, ttlSeconds);
  }

  /** Undefined for what is not remembered. */
  #ttlOf(kind: CacheKind, reply: DnsReply): number | undefined {
    if (reply.rcode === "SERVFAIL") return this.#options.servfailSeconds;
    if (reply.rcode !== "NOERROR" && reply.rcode !== "NXDOMAIN") return undefined;
    const { mostTtl, leastTtl } = this.#options[kind];
    const soa = reply.authorities.find(({ type }) => type === "SOA");
    if (kind === "denial" && !soa) return undefined;
    return Math.max(leastTtl, Math.min(mostTtl, lowestTtl(reply)));
  }
}

const LONGEST_TTL_SECONDS = 3600;

/** Of every record, and of the SOA's minimum: how long a denial may be remembered (RFC 2308). */
function lowestTtl({ answers, authorities, additionals }: DnsReply): number {
  const ttls = [...answers, ...authorities, ...additionals].flatMap((record) => {
    if (record.type === "OPT") return [];
    const ttl = record.ttl ?? 0;
    return record.type === "SOA" ? [Math.min(ttl, record.data.minimum ?? ttl)] : [ttl];
  });
  return Math.min(LONGEST_TTL_SECONDS, ...ttls);
}

function withTtl(reply: DnsReply, ttl: number): DnsReply {
  const set = (records: Answer[]): Answer[] =>
    records.map((record) => (record.type === "OPT" ? record : { ...record, ttl }));
  return {
    ...reply,
    answers: set(reply.answers),
    authorities: set(reply.authorities),
    additionals: set(reply.additionals),
  };
}
