import type { Answer, SoaAnswer } from "dns-packet";

export interface DnsQuestion {
  /** Without the dot at the end, in the case it was asked. */
  name: string;
  type: string;
}

/** What a zone says to a question. */
export interface DnsReply {
  rcode: "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";
  authoritative: boolean;
  answers: Answer[];
  authorities: Answer[];
  additionals: Answer[];
}

export const emptyReply = (rcode: DnsReply["rcode"], authoritative = false): DnsReply => ({
  rcode,
  authoritative,
  answers: [],
  authorities: [],
  additionals: [],
});

/** The zone's SOA record, which every negative answer carries. */
export const soaRecord = (zone: string, ttlSeconds: number, serial: number): SoaAnswer => ({
  type: "SOA",
  name: zone,
  ttl: ttlSeconds,
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
