import { decode, encode, type RecordType } from "dns-packet";
import { formatAddress } from "../../machinery/network/addresses.js";
import { type ResolvConf, searchNames } from "../../machinery/network/resolv-conf.js";
import type { ClusterAdmin } from "./cluster-admin.js";

/** One question that a lookup asked, and what came back. */
export interface AskedQuery {
  name: string;
  type: RecordType;
  server: string;
  /** `NOERROR`, `NXDOMAIN`, …; `no answer`. */
  rcode: string;
  /** Data of the answers, with their TTL. */
  answers: { data: string; ttlSeconds: number }[];
  /** The answer did not fit, so that a second question went over TCP. */
  truncated: boolean;
}

/** Every question that looking a host up sends, as a pod's C library sends them. */
export interface LookupCost {
  host: string;
  search: readonly string[];
  ndots: number;
  queries: AskedQuery[];
  /** Of those, the ones for names that do not exist or have nothing. */
  wasted: number;
  addresses: string[];
}

/** Looks a host up through the cluster's DNS: A and AAAA for each name of the search list, until one has addresses. */
export async function lookupCost(
  admin: ClusterAdmin,
  host: string,
  configuration: ResolvConf,
): Promise<LookupCost> {
  const { search, ndots, nameservers } = configuration;
  const [server] = nameservers;
  const cost: LookupCost = { host, search, ndots, queries: [], wasted: 0, addresses: [] };
  if (!server) return cost;
  for (const name of searchNames(host, configuration)) {
    const asked: AskedQuery[] = [];
    for (const type of ["A", "AAAA"] as const)
      asked.push(await ask(admin, formatAddress(server), name, type));
    const found = asked.flatMap(({ answers }) => answers.map(({ data }) => data));
    cost.queries.push(...asked);
    if (found.length > 0) return { ...cost, addresses: found };
    cost.wasted += asked.length;
  }
  return cost;
}

async function ask(admin: ClusterAdmin, server: string, name: string, type: RecordType): Promise<AskedQuery> {
  const message = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type, name }] });
  const { payload } = await admin.call<{ payload: string }>("dataplane", "POST", "/exchange", {
    to: server,
    payload: message.toString("base64"),
  });
  const answer = decode(Buffer.from(payload, "base64"));
  const { rcode = "NOERROR" } = answer as { rcode?: string };
  return {
    name,
    type,
    server,
    rcode,
    truncated: answer.flag_tc,
    answers: (answer.answers ?? []).flatMap((record) =>
      record.type === "A" || record.type === "AAAA"
        ? [{ data: record.data, ttlSeconds: record.ttl ?? 0 }]
        : [],
    ),
  };
}
