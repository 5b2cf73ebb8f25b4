import type { Answer, SoaAnswer } from "dns-packet";

export interface DnsQuestion {
  /** Without the dot at the end, in the case it was asked. */
  name: string;
  /** `A`, `SRV`, …; `TYPE65` where it has no name. */
  type: string;
}

/** Every response code by its number, as RFC 6895 lists them. */
export const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export type Rcode = keyof typeof RCODES;

/** What a zone says to a question. */
export interface DnsReply {
  rcode: Rcode;
  authoritative: boolean;
  /** Set by whoever asked a recursive server for it. */
  recursionAvailable?: boolean;
  /** Which plugin answered, for metrics; what went wrong, for the log. */
  by?: string;
  problem?: string;
  /** Cut off, although it would have had room: the asker comes again over TCP. */
  truncated?: boolean;
  answers: Answer[];
  authorities: Answer[];
  additionals: Answer[];
}

export const emptyReply = (rcode: Rcode, authoritative = false): DnsReply => ({
  rcode,
  authoritative,
  answers: [],
  authorities: [],
  additionals: [],
});

const LONGEST_SOA_TTL_SECONDS = 300;

// Upstream: coredns plugin/backend_lookup.go SOA.
/** The zone's SOA record, which every negative answer carries; its minimum is how long that may be remembered. */
export const soaRecord = (zone: string, ttlSeconds: number, serial: number): SoaAnswer => ({
  type: "SOA",
  name: zone,
  ttl: Math.min(ttlSeconds, LONGEST_SOA_TTL_SECONDS),
  class: "IN",
  data: {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: ttlSeconds,
  },
});
