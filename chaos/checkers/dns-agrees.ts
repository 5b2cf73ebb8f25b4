import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { LookupRecord } from "../evidence.js";
import type { History } from "../history.js";
import { dnsWitness } from "../witnesses/dns.js";

/** From when on a name had these addresses; none: there was no such name, or nobody behind it. */
interface Truth {
  atMs: number;
  addresses: string;
}

/**
 * Each answer of each replica is what was true at some moment of the answer's time to live before it: the ClusterIP, or the
 * ready endpoints of a headless Service. A server that does not answer says nothing wrong.
 */
export const dnsAgrees: Checker = {
  name: "dns-agrees",
  summary: "DNS agrees with Services and endpoints within the time to live of its answers",
  parameters: {
    grace: { type: "duration", help: "beside the time to live: what a watch may take", default: "1s" },
    ttl: {
      type: "duration",
      help: "the longest time to live that is granted; default: what answers say",
      optional: true,
    },
  },
  witnesses: [dnsWitness],
  check(history, _scenario, { grace, ttl }) {
    const lookups = history.evidence?.lookups ?? [];
    const answered = lookups.filter(({ outcome }) => outcome !== "unknown");
    if (answered.length === 0)
      return verdictOf(["no name server answered"], "", "there was no answer to judge");
    const truths = truthsOf(history);
    const mostTtlMs = ttl === undefined ? Number.POSITIVE_INFINITY : Number(ttl);
    const violations = answered.flatMap((lookup) => {
      const windowMs = Math.min(lookup.ttlSeconds * 1000, mostTtlMs) + Number(grace);
      const problem = problemOf(lookup, truths.get(lookup.service) ?? [], windowMs, Number(grace));
      return problem ? [`${secondsIn(history, lookup.atMs)} ${problem}`] : [];
    });
    const servers = new Set(answered.map(({ server }) => server)).size;
    const counted = `${answered.length} answers of ${servers} name servers`;
    return verdictOf(
      violations,
      `${counted} agreed with Services and endpoints`,
      `${violations.length} of ${counted} were out of date`,
    );
  },
};

function problemOf(
  { server, name, addresses, atMs, tookMs }: LookupRecord,
  truths: readonly Truth[],
  windowMs: number,
  graceMs: number,
): string | undefined {
  const told = addresses.join(",");
  const fromMs = atMs - windowMs;
  const untilMs = atMs + tookMs + graceMs;
  const last = truths.findLastIndex((truth) => truth.atMs <= fromMs);
  const inTime = truths.slice(Math.max(0, last)).filter((truth) => truth.atMs <= untilMs);
  // What was before the first record nobody knows.
  if (last < 0 && (inTime.length === 0 || told === "")) return undefined;
  if (inTime.some((truth) => truth.addresses === told)) return undefined;
  const wanted = inTime.map((truth) => truth.addresses || "nothing").join(", then ");
  return `${server} said that ${name} is ${told || "nothing"}; in the ${Math.round(windowMs)} ms before it was ${wanted}`;
}

/** By Service: what a name server should say, over time. */
function truthsOf({ services, endpointSlices }: History): Map<string, Truth[]> {
  const truths = new Map<string, Truth[]>();
  const clusterIPs = new Map<string, string | undefined>();
  const slices = new Map<string, Map<string, string[]>>();
  const note = (service: string, atMs: number): void => {
    const clusterIP = clusterIPs.get(service);
    const ready = new Set([...(slices.get(service)?.values() ?? [])].flat());
    const addresses = clusterIP === "None" ? [...ready].sort().join(",") : (clusterIP ?? "");
    const known = truths.get(service) ?? [];
    truths.set(service, known);
    if (known.at(-1)?.addresses !== addresses) known.push({ atMs, addresses });
  };
  const moments = [...services, ...endpointSlices].sort((a, b) => a.atMs - b.atMs);
  for (const moment of moments) {
    const { service, event } = moment;
    if ("slice" in moment) {
      const own = slices.get(service) ?? new Map<string, string[]>();
      slices.set(service, own);
      if (event === "DELETED") own.delete(moment.slice);
      else own.set(moment.slice, readyIn(moment.endpoints));
    } else clusterIPs.set(service, event === "DELETED" ? undefined : moment.clusterIP);
    note(service, moment.atMs);
  }
  return truths;
}

const readyIn = (endpoints: readonly { address: string; ready: boolean }[]): string[] =>
  endpoints.filter(({ address, ready }) => ready && !address.includes(":")).map(({ address }) => address);
