const NUMBERS: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  SIG: 24,
  KEY: 25,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
};
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]));

/** `A` for 1; `TYPE4711` (RFC 3597) where a number has no name. */
export const recordTypeName = (number: number): string => NAMES.get(number) ?? `TYPE${number}`;

/** The reverse; undefined for what is no record type. */
export function recordTypeNumber(name: string): number | undefined {
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name];
  const generic = Number(/^(?:TYPE|UNKNOWN_)(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  return generic <= 0xffff ? generic : undefined;
}
