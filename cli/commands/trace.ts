import { nodes, pods } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { isNotFound } from "../../machinery/api/status.js";
import { splitObjectKey } from "../../machinery/api/resource.js";
import type { RestClient } from "../../machinery/client/rest-client.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { Explanation } from "../../proxy-sim/dataplane/trace.js";
import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, clusterAdmin } from "../objects/cluster-admin.js";
import { resolveAsPod } from "../objects/pod-dns.js";
import { printTrace, type Trace } from "../printers/trace.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  from: {
    kind: "string",
    help: "Where the request starts: pod/NAME or node/NAME. Default: outside the cluster, at the first node.",
  },
  udp: { kind: "bool", help: "Trace a datagram instead of a connection." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

/** Where a request starts. */
interface Origin {
  text: string;
  ip: string;
  namespace: string;
  node?: string;
  outside: boolean;
}

/** Any client port will do; nothing is sent from it. */
const CLIENT_PORT = 40_000;
const HOST_IP = "172.18.0.1";

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
    const entry = origin.outside ? await entryOf(client, host) : undefined;
    const resolved = entry
      ? { addresses: [entry.ip], name: host, asked: [] }
      : await resolveAsPod(admin, host, origin.namespace);
    const trace: Trace = { from: origin.text, target, asked: resolved.asked, name: resolved.name };
    const [address] = resolved.addresses;
    if (address !== undefined) {
      trace.address = formatAddress({ ip: address, port });
      trace.explanation = await admin.call<Explanation>("dataplane", "POST", "/trace", {
        protocol: options.udp ? "UDP" : "TCP",
        from: formatAddress({ ip: origin.ip, port: CLIENT_PORT }),
        to: trace.address,
        ...(entry ? { enteredAt: entry.node } : {}),
      });
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
  if (from === undefined) return { text: "this machine", ip: HOST_IP, namespace, outside: true };
  const [kind, name] = from.includes("/") ? (from.split("/", 2) as [string, string]) : ["pod", from];
  if (kind === "node" || kind === "nodes" || kind === "no") {
    const node = await client.get(nodes, { name });
    const ip = node.status.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "";
    return { text: `node ${name} (${ip})`, ip, namespace, node: name, outside: false };
  }
  if (!["pod", "pods", "po"].includes(kind))
    throw new UserError(`--from takes pod/NAME or node/NAME, not "${from}"`, 2);
  const pod = await client.get(pods, { namespace, name });
  const { podIP } = pod.status;
  if (!podIP) throw new UserError(`pod ${namespace}/${name} has no address yet`);
  const node = pod.spec.nodeName ?? "";
  return {
    text: `pod ${namespace}/${name} (${podIP}) on ${node}`,
    ip: podIP,
    namespace,
    node,
    outside: false,
  };
}

/** From outside only nodes can be reached: 127.0.0.1 stands for the first, their own names and addresses for each. */
async function entryOf(client: RestClient, host: string): Promise<{ node: string; ip: string }> {
  const { items } = await client.list(nodes);
  const known = items.map((node) => ({
    node: node.metadata.name,
    ip: node.status.addresses?.find(({ type }) => type === "InternalIP")?.address ?? "",
  }));
  const isLocal = host === "localhost" || host.startsWith("127.");
  const numbered = Number(/^127\.\d+\.0\.(\d+)$/.exec(host)?.[1] ?? 1);
  const found = isLocal
    ? (known.find(({ node }) => node.endsWith(`-${host === "127.0.0.1" ? 1 : numbered}`)) ?? known[0])
    : known.find(({ node, ip }) => node === host || ip === host);
  if (found) return found;
  throw new UserError(
    `"${host}" cannot be reached from outside the cluster; say where from: --from pod/NAME`,
  );
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
