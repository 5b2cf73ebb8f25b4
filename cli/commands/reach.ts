import { nodes, pods, services } from "../../machinery/api/core-v1.js";
import { endpointSlices } from "../../machinery/api/discovery-v1.js";
import { formatAddress } from "../../machinery/network/addresses.js";
import type { CliCommand } from "../command.js";
import { connect } from "../connect.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { Attempts, type Verdict } from "../live/attempts.js";
import { bridgeAddress, ClusterDialer } from "../live/cluster-dialer.js";
import type { HostPort } from "../live/host-ports.js";
import { hostPortsInto, type WayIn, waysInto } from "../live/ways-in.js";
import { adminFlags } from "../objects/cluster-admin.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  node: { kind: "string", help: "Where the pod and the node stand. Default: the first node." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

const HEADER = ["SERVICE", "TYPE", "WAY", "ADDRESS", "FROM A POD", "FROM A NODE", "FROM THIS MACHINE"];
const AT_ONCE = 32;

interface Row extends WayIn {
  pod: Verdict;
  host: Verdict;
  node: Verdict;
}

/** `kubesim reach [SERVICE]`: who can reach what, found by trying it. */
export const reachCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const [wanted] = positionals.map((name) => name.replace(/^(svc|services?)\//, ""));
    const namespace = options.namespace ?? "default";
    const dialer = new ClusterDialer(options);
    try {
      const { client } = connect({ kubeconfig: dialer.admin.kubeconfig }, context);
      const [place, found, slices, allPods, allNodes, hostPorts] = await Promise.all([
        bridgeAddress(client, options.node),
        wanted === undefined
          ? client.list(services, { namespace }).then(({ items }) => items)
          : client.get(services, { namespace, name: wanted }).then((service) => [service]),
        client.list(endpointSlices, { namespace }),
        client.list(pods, { namespace }),
        client.list(nodes),
        dialer.admin.call<HostPort[]>("dataplane", "GET", "/host-ports"),
      ]);
      const node = allNodes.items.find(({ metadata }) => metadata.name === place.node);
      const ways = found.flatMap((service) => [
        ...waysInto(service, slices.items, node),
        ...hostPortsInto(service, slices.items, allPods.items),
      ]);
      if (ways.length === 0) throw new UserError(`no Services in namespace ${namespace}`);
      const attempts = new Attempts({
        clock: context.clock,
        dialer,
        podIPs: place.ips,
        nodeIPs: place.nodeIPs,
        hostPorts,
      });
      const rows = await tryAll(ways, attempts);
      context.stdout.write(
        options.output === "json"
          ? `${JSON.stringify(rows, undefined, 2)}\n`
          : padColumns([HEADER, ...rows.map(cells)]),
      );
      return 0;
    } finally {
      dialer.close();
    }
  },
};

async function tryAll(ways: readonly WayIn[], attempts: Attempts): Promise<Row[]> {
  const rows: Row[] = [];
  for (let at = 0; at < ways.length; at += AT_ONCE) {
    const tried = ways.slice(at, at + AT_ONCE).map(async (way) => {
      const [pod, node, host] = await Promise.all([
        attempts.fromPod(way),
        attempts.fromNode(way),
        attempts.fromHost(way),
      ]);
      return { ...way, pod, node, host };
    });
    rows.push(...(await Promise.all(tried)));
  }
  return rows;
}

function cells({ service, type, way, protocol, address, name, pod, node, host }: Row): string[] {
  const absent = way === "load balancer" ? "<pending>" : "<none>";
  const where = address ? `${formatAddress(address)}${protocol === "UDP" ? "/UDP" : ""}` : (name ?? absent);
  return [service.split("/")[1] ?? service, type, way, where, pod, node, host];
}
