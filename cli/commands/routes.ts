import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, clusterAdmin, serviceKey } from "../objects/cluster-admin.js";
import { printIptables } from "../printers/iptables-save.js";
import { printIpvs } from "../printers/ipvsadm.js";
import { printTables, type SharedTable } from "../printers/routing-tables.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  node: { kind: "string", help: "Only this node's table." },
  output: {
    kind: "string",
    short: "o",
    help: "json, yaml, or what a kernel would show: iptables, ipvs. Default: a table.",
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
      return tables.map(({ nodes, routes }) => `# ${nodes.join(", ")}\n${printIptables(routes)}`).join("\n");
    case "ipvs": {
      const nodes = await admin.call<{ nodeName: string; internalIP: string }[]>("proxy", "GET", "/nodes");
      const addressOf = new Map(nodes.map(({ nodeName, internalIP }) => [nodeName, internalIP]));
      // Each node serves node ports on its own address only.
      return tables
        .flatMap((table) => table.nodes.map((node) => ({ node, routes: table.routes })))
        .map(({ node, routes }) => `# ${node}\n${printIpvs(routes, [addressOf.get(node) ?? node])}`)
        .join("\n");
    }
    default:
      throw new UserError(`unknown output "${output}": expected json, yaml, iptables or ipvs`, 2);
  }
}
