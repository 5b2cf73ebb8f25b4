import { type Node, nodes, pods } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { splitObjectKey } from "../../machinery/api/resource.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import {
  canonicalIp,
  familyOf,
  formatAddress,
  type IpFamily,
  isIp,
} from "../../machinery/network/addresses.js";
import type { Explanation } from "../../proxy-sim/dataplane/trace.js";
import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, type ClusterAdmin, clusterAdmin } from "../objects/cluster-admin.js";
import { resolveAsPod } from "../objects/pod-dns.js";
import { printTrace, type Trace } from "../printers/trace.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  from: {
    kind: "string",
    help: "Where the request starts: pod/NAME, node/NAME, or internet/IP. Default: this machine.",
  },
  node: {
    kind: "string",
    help: "From outside: the node at which it comes in. Default: the first, or the one named.",
  },
  "source-port": { kind: "int", help: "The client's port, to meet an exchange that is open. Default: any." },
  ipv6: { kind: "bool", short: "6", help: "Ask DNS for IPv6 addresses." },
  udp: { kind: "bool", help: "Trace a datagram instead of a connection." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

/** Where a request starts. */
interface Origin {
  text: string;
  /** One for each family that it has. */
  ips: readonly string[];
  namespace: string;
  node?: string;
  outside: boolean;
}

/** Any client port will do; nothing is sent from it. */
const CLIENT_PORT = 40_000;
const HOST_IPS = ["172.18.0.1", "fd00:172:18::1"] as const;
/** Addresses for documentation (RFC 5737, RFC 3849): nobody's. */
const INTERNET_IPS = ["198.51.100.1", "2001:db8::1"] as const;

/** `kubesim trace --from pod/client http://web`: explains one request hop by hop, without sending it. */
export const traceCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [target] = positionals;
    if (target === undefined)
      throw new UserError("what to trace? kubesim trace --from pod/NAME http://web", 2);
    const admin = clusterAdmin(options);
    const { client } = connect({ kubeconfig: admin.kubeconfig }, context);
    const origin = await originOf(client, options.from, options.namespace ?? "default");
    const { host, port } = parseTarget(target);
    const family = options.ipv6 ? "IPv6" : "IPv4";
    const entry = origin.outside ? await entryOf(client, host, family, options.node) : undefined;
    const resolved = entry
      ? { addresses: [entry.ip], name: host, asked: [] }
      : await resolveAsPod(admin, host, origin.namespace, family);
    const trace: Trace = { from: origin.text, target, asked: resolved.asked, name: resolved.name };
    const [address] = resolved.addresses;
    if (address !== undefined) {
      trace.address = formatAddress({ ip: address, port });
      trace.explanation = await admin.call<Explanation>("dataplane", "POST", "/trace", {
        protocol: options.udp ? "UDP" : "TCP",
        from: formatAddress({ ip: sourceOf(origin, address), port: options["source-port"] ?? CLIENT_PORT }),
        to: trace.address,
        ...(entry ? { enteredAt: entry.node } : {}),
      });
      const lag = await lagOf(admin, trace.explanation.node);
      if (lag !== undefined) trace.lag = lag;
      const newer = await newerSlice(client, trace.explanation);
      if (newer !== undefined) trace.sliceInApi = newer;
    }
    context.stdout.write(
      options.output === "json" ? `${JSON.stringify(trace, undefined, 2)}\n` : printTrace(trace),
    );
    return trace.explanation?.verdict === "forward" ? 0 : 1;
  },
};

async function originOf(client: RestClient, from: string | undefined, namespace: string): Promise<Origin> {
  if (from === undefined) return { text: "this machine", ips: HOST_IPS, namespace, outside: true };
  if (from === "internet" || from.startsWith("internet/")) return internet(from, namespace);
  const [kind, name] = from.includes("/") ? (from.split("/", 2) as [string, string]) : ["pod", from];
  if (kind === "node" || kind === "nodes" || kind === "no") {
    const node = await client.get(nodes, { name });
    const ips = addressesOf(node);
    return { text: `node ${name} (${ips.join(", ")})`, ips, namespace, node: name, outside: false };
  }
  if (!["pod", "pods", "po"].includes(kind))
    throw new UserError(`--from takes pod/NAME, node/NAME or internet/IP, not "${from}"`, 2);
  const pod = await client.get(pods, { namespace, name });
  const { podIP, podIPs = [] } = pod.status;
  if (!podIP) throw new UserError(`pod ${namespace}/${name} has no address yet`);
  const node = pod.spec.nodeName ?? "";
  return {
    text: `pod ${namespace}/${name} (${podIP}) on ${node}`,
    ips: podIPs.length > 0 ? podIPs.map(({ ip }) => ip ?? "") : [podIP],
    namespace,
    node,
    outside: false,
  };
}

function internet(from: string, namespace: string): Origin {
  const [, ip] = from.split("/", 2);
  if (ip !== undefined && !isIp(ip)) throw new UserError(`not an IP address: "${ip}"`, 2);
  const ips = ip === undefined ? INTERNET_IPS : [canonicalIp(ip)];
  return { text: `the internet (${ip ?? INTERNET_IPS[0]})`, ips, namespace, outside: true };
}

const addressesOf = ({ status }: Node): string[] =>
  (status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => canonicalIp(address ?? ""));

function sourceOf({ ips, text }: Origin, address: string): string {
  const source = ips.find((ip) => familyOf(ip) === familyOf(address));
  if (source === undefined) throw new UserError(`${text} has no ${familyOf(address)} address`);
  return source;
}

/**
 * From outside, nodes can be reached (127.0.0.1 and ::1 stand for the first, their names and addresses for each), and
 * addresses that are led to a node: those of load balancers and external ones.
 */
async function entryOf(
  client: RestClient,
  host: string,
  family: IpFamily,
  at: string | undefined,
): Promise<{ node: string; ip: string }> {
  const { items } = await client.list(nodes);
  const known = items.map((node) => ({ node: node.metadata.name, ips: addressesOf(node) }));
  const numbered = /^127\.\d+\.0\.(\d+)$/.exec(host)?.[1];
  // 127.C.1.n are load balancers' addresses, no node's.
  const isLocal = host === "localhost" || host === "::1" || numbered !== undefined;
  const slot = host === "127.0.0.1" ? 1 : Number(numbered ?? 1);
  const asked = isIp(host) ? canonicalIp(host) : host;
  const found = isLocal
    ? (known.find(({ node }) => node.endsWith(`-${slot}`)) ?? known[0])
    : known.find(({ node, ips }) => node === host || ips.includes(asked));
  const entered = at === undefined ? (found ?? known[0]) : known.find(({ node }) => node === at);
  if (at !== undefined && !entered) throw new UserError(`node "${at}" not found`);
  const wanted = isIp(host) && !isLocal ? familyOf(host) : host === "::1" ? "IPv6" : family;
  const ip =
    found && !found.ips.includes(asked) ? found.ips.find((each) => familyOf(each) === wanted) : asked;
  if (entered && ip !== undefined && isIp(ip)) return { node: entered.node, ip };
  throw new UserError(
    `"${host}" cannot be reached from outside the cluster; say where from: --from pod/NAME`,
  );
}

/** How far the node's table is behind what its proxy knows; undefined when no proxy answers. */
async function lagOf(admin: ClusterAdmin, node: string | undefined): Promise<Trace["lag"]> {
  try {
    const all = await admin.call<{ nodeName: string; behind: number; behindMs?: number }[]>(
      "proxy",
      "GET",
      "/nodes",
    );
    const found = all.find(({ nodeName }) => nodeName === node);
    return (
      found && { changes: found.behind, ...(found.behindMs === undefined ? {} : { ms: found.behindMs }) }
    );
  } catch (err) {
    if (err instanceof UserError) return undefined;
    throw err;
  }
}

function parseTarget(text: string): { host: string; port: number } {
  const withScheme = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) throw new UserError(`not a URL or host: "${text}"`, 2);
  const url = new URL(withScheme);
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port };
}

/** The slice's resourceVersion in the API, when the table still has an older one. */
async function newerSlice(client: RestClient, { backend }: Explanation): Promise<string | undefined> {
  if (!backend) return undefined;
  const { namespace, name } = splitObjectKey(backend.slice);
  try {
    const slice = await client.get(endpointSlices, { namespace, name });
    const { resourceVersion } = slice.metadata;
    return resourceVersion === backend.sliceResourceVersion ? undefined : resourceVersion;
  } catch (err) {
    if (isNotFound(err)) return "(deleted)";
    throw err;
  }
}
