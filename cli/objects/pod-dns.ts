import { decode, encode } from "dns-packet";
import { formatAddress, isIp } from "../../machinery/network/addresses.js";
import type { ClusterAdmin } from "./cluster-admin.js";

/** What a pod's resolver would find. */
export interface Resolved {
  addresses: string[];
  /** The name that answered, and every one asked before it. */
  name: string;
  asked: string[];
}

const NAME_SERVER = { ip: "10.96.0.10", port: 53 };
const CLUSTER_DOMAIN = "cluster.local";
const NDOTS = 5;

/** Asks the cluster's DNS, through the data plane, for each name of the pod's search list in turn. */
export async function resolveAsPod(admin: ClusterAdmin, host: string, namespace: string): Promise<Resolved> {
  if (isIp(host)) return { addresses: [host], name: host, asked: [] };
  const asked: string[] = [];
  for (const name of candidates(host, namespace)) {
    asked.push(name);
    const addresses = await query(admin, name);
    if (addresses.length > 0) return { addresses, name, asked };
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

async function query(admin: ClusterAdmin, name: string): Promise<string[]> {
  const message = encode({ type: "query", id: 1, flags: 0x0100, questions: [{ type: "A", name }] });
  const { payload } = await admin.call<{ payload: string }>("dataplane", "POST", "/exchange", {
    to: nameServer,
    payload: message.toString("base64"),
  });
  const { answers = [] } = decode(Buffer.from(payload, "base64"));
  return answers.flatMap((answer) => (answer.type === "A" ? [answer.data] : []));
}
