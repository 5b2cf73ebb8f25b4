import type { Answer } from "dns-packet";
import { addressOfReverseName, isInZone } from "../names.js";
import { type DnsReply, emptyReply } from "../reply.js";
import { parseZoneFile } from "../zone-file.js";
import type { DnsPlugin } from "./plugin.js";

export interface HostsOptions {
  /** Lines of hosts(5). */
  text: string;
  zones: readonly string[];
  ttlSeconds: number;
  reverse: boolean;
  /** Zones whose missing names are left to the next plugin; undefined: none. */
  fallthrough: readonly string[] | undefined;
}

// Upstream: coredns plugin/hosts hosts.go.
/** Names of a hosts file, in front of the other plugins. Throws ZoneFileError. */
export function hosts(options: HostsOptions): DnsPlugin {
  const byName = new Map<string, Answer[]>();
  for (const record of parseZoneFile(options.text)) {
    byName.set(record.name, [
      ...(byName.get(record.name) ?? []),
      { ...record, ttl: options.ttlSeconds } as Answer,
    ]);
  }
  return (next) => (request) => {
    const { name, question } = request;
    const isReverse = question.type === "PTR" && addressOfReverseName(name) !== undefined;
    if (isReverse ? !options.reverse : !options.zones.some((zone) => isInZone(name, zone)))
      return next(request);
    const known = byName.get(name);
    if (!known) {
      const falls = isReverse || options.fallthrough?.some((zone) => isInZone(name, zone));
      return falls ? next(request) : { ...emptyReply("NXDOMAIN", true), by: "hosts" };
    }
    const answers = known.filter(({ type }) => type === question.type);
    return { ...emptyReply("NOERROR", true), answers, by: "hosts" } satisfies DnsReply;
  };
}
