import type { CliCommand } from "../command.js";
import { familyOf } from "../../machinery/network/addresses.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, clusterAdmin, serviceKey } from "../objects/cluster-admin.js";
import { printTables, type SharedTable } from "../printers/routing-tables.js";
import { iptablesSave } from "../../proxy-sim/rulesets/iptables.js";
import { ipvsadm } from "../../proxy-sim/rulesets/ipvs.js";
import { nftList } from "../../proxy-sim/rulesets/nftables.js";
import type { NodeTable } from "../../proxy-sim/rulesets/node-table.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  node: { kind: "string", help: "Only this node's table." },
  output: {
    kind: "string",
    short: "o",
    help: "json, yaml, or what a kernel would show: iptables, ipvs, nft. Default: a table.",
  },
} as const satisfies FlagSpecs;

/** `kubesim routes [svc/web] [--node N]`: what the nodes' tables hold right now. */
export const routesCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const service = serviceKey(positionals[0], options.namespace ?? "default");
    const admin = clusterAdmin(options);
    const query = options.node === undefined ? "" : `&node=${encodeURIComponent(options.node)}`;
    const all = await admin.call<SharedTable[]>("dataplane", "GET", `/tables?shared=1${query}`);
    const tables = all.map((table) => ({
      ...table,
      routes: table.routes.filter(({ servicePort }) => isOf(servicePort, service, options.namespace)),
    }));
    context.stdout.write(await render(tables, options.output, admin));
    return 0;
  },
};

function isOf(servicePort: string, service: string | undefined, namespace: string | undefined): boolean {
  if (service !== undefined) return servicePort === service || servicePort.startsWith(`${service}:`);
  return namespace === undefined || servicePort.startsWith(`${namespace}/`);
}

async function render(
  tables: readonly SharedTable[],
  output: string | undefined,
  admin: ReturnType<typeof clusterAdmin>,
): Promise<string> {
  switch (output) {
    case undefined:
    case "":
    case "wide":
      return printTables(tables);
    case "json":
      return `${JSON.stringify(tables, undefined, 2)}\n`;
    case "yaml": {
      const { dump } = await import("js-yaml");
      return dump(tables);
    }
    case "iptables":
      return forEachNode(tables, await nodesOf(admin), (table) => iptablesSave(table));
    case "ipvs":
      return forEachNode(tables, await nodesOf(admin), (table, mode) =>
        ipvsadm(table, mode.startsWith("ipvs-") ? mode.slice("ipvs-".length) : "rr"),
      );
    case "nft":
    case "nftables":
      return forEachNode(tables, await nodesOf(admin), (table) => nftList(table));
    default:
      throw new UserError(`unknown output "${output}": expected json, yaml, iptables, ipvs or nft`, 2);
  }
}

interface ProxyNode {
  nodeName: string;
  internalIP: string;
  secondaryIP?: string;
  zone?: string;
  mode: string;
}

const nodesOf = (admin: ReturnType<typeof clusterAdmin>): Promise<ProxyNode[]> =>
  admin.call<ProxyNode[]>("proxy", "GET", "/nodes");

/** Nodes that share a table still have rule sets of their own, one for each family: local endpoints and node ports differ. */
function forEachNode(
  tables: readonly SharedTable[],
  nodes: readonly ProxyNode[],
  print: (table: NodeTable, mode: string) => string,
): string {
  const known = new Map(nodes.map((node) => [node.nodeName, node]));
  return tables
    .flatMap(({ nodes: sharing, routes }) => sharing.map((node) => ({ node, routes })))
    .flatMap(({ node, routes }) => {
      const { internalIP = node, secondaryIP, zone, mode = "iptables" } = known.get(node) ?? {};
      const ips = secondaryIP === undefined ? [internalIP] : [internalIP, secondaryIP];
      return ips.map((nodeIP) => {
        const table = { node, nodeIP, routes, ...(zone === undefined ? {} : { zone }) };
        return `# ${node}${ips.length > 1 ? ` ${familyOf(nodeIP)}` : ""}\n${print(table, mode)}`;
      });
    })
    .join("\n");
}
