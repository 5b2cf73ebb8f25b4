import type { Answer } from "dns-packet";
import type { Rng } from "../../api/rng.js";
import { afterwards, type DnsPlugin } from "./plugin.js";

// Upstream: coredns plugin/loadbalance loadbalance.go roundRobin.
/** Addresses and mail servers in random order, aliases in front of them. */
export function loadbalance(rng: Rng): DnsPlugin {
  const shuffled = (records: Answer[]): Answer[] => {
    if (records.length < 2) return records;
    const ofType = (...types: string[]): Answer[] => records.filter(({ type }) => types.includes(type));
    const rest = records.filter(({ type }) => !["CNAME", "A", "AAAA", "MX"].includes(type));
    return [...ofType("CNAME"), ...rest, ...rng.shuffle(ofType("A", "AAAA")), ...rng.shuffle(ofType("MX"))];
  };
  return (next) => (request) =>
    afterwards(next(request), (reply) => ({
      ...reply,
      answers: shuffled(reply.answers),
      additionals: shuffled(reply.additionals),
    }));
}
