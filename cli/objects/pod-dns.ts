import { decode, encode } from "dns-packet";
import { canonicalIp, formatAddress, type IpFamily, isIp } from "../../machinery/network/addresses.js";
import type { ClusterAdmin } from "./cluster-admin.js";

/** One question to the cluster's DNS and what came of it. */
export interface Asked {
  name: string;
  type: "A" | "AAAA";
  /** `NOERROR` without addresses: the name exists, but not with this type. */
  rcode: string;
  addresses: string[];
}

/** What a pod's resolver would find. */
export interface Resolved {
  addresses: string[];
  /** The name that answered; the one that was asked for, when none did. */
  name: string;
  asked: Asked[];
}

const NAME_SERVER = { ip: "10.96.0.10", port: 53 };
const CLUSTER_DOMAIN = "cluster.local";
const NDOTS = 5;

/** Asks the cluster's DNS, through the data plane, for each name of the pod's search list in turn. */
export async function resolveAsPod(
  admin: ClusterAdmin,
  host: string,
  namespace: string,
  family: IpFamily = "IPv4",
): Promise<Resolved> {
  if (isIp(host)) return { addresses: [canonicalIp(host)], name: host, asked: [] };
  const asked: Asked[] = [];
  for (const name of candidates(host, namespace)) {
    const answer = await query(admin, name, family === "IPv6" ? "AAAA" : "A");
    asked.push(answer);
    if (answer.addresses.length > 0) return { addresses: answer.addresses, name, asked };
  }
  return { addresses: [], name: host, asked };
}

export const nameServer = formatAddress(NAME_SERVER);

/** As resolv.conf(5) has it with `ndots:5`: few dots, search list first. */
function candidates(host: string, namespace: string): string[] {
  if (host.endsWith(".")) return [host.slice(0, -1)];
  const searched = [`${namespace}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN].map(
    (domain) => `${host}.${domain}`,
  );
  return host.split(".").length - 1 >= NDOTS ? [host, ...searched] : [...searched, host];
}

async function query(admin: ClusterAdmin, name: string, type: Asked["type"]): Promise<Asked> {
  const message = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type, name }] });
  const { payload } = await admin.call<{ payload: string }>("dataplane", "POST", "/exchange", {
    to: nameServer,
    payload: message.toString("base64"),
  });
  const bytes = Buffer.from(payload, "base64");
  const { answers = [] } = decode(bytes);
  const addresses = answers.flatMap((answer) => (answer.type === type ? [canonicalIp(answer.data)] : []));
  return { name, type, rcode: RCODES[(bytes[3] ?? 0) & 15] ?? "NOERROR", addresses };
}

const RCODES: Readonly<Record<number, string>> = { 0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED" };
