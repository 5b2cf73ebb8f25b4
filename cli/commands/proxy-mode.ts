import { balancers } from "../../proxy-sim/balancers/balancers.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, type ClusterAdmin, clusterAdmin } from "../objects/cluster-admin.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  node: { kind: "list", help: "Only this node's proxy (repeatable). Default: all." },
  scheduler: { kind: "string", help: "With ipvs: rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq or mh." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

/** As the proxy's `GET /nodes` tells. */
interface ProxyNode {
  nodeName: string;
  mode: string;
  revision: number;
}

/** `kubesim proxy-mode [MODE]`: shows the mode of each node's proxy, or switches it while everything runs. */
export const proxyModeCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    if (positionals.length > 1)
      throw new UserError("one mode at a time: kubesim proxy-mode MODE [--node N]", 2);
    const admin = clusterAdmin(options);
    const [mode] = positionals;
    if (mode !== undefined) {
      const name = balancerName(mode, options.scheduler);
      for (const node of options.node.length > 0 ? options.node : [undefined])
        await admin.call("proxy", "PUT", "/mode", { mode: name, ...(node === undefined ? {} : { node }) });
    } else if (options.scheduler !== undefined) throw new UserError("--scheduler goes with mode ipvs", 2);
    const shown = await nodesOf(admin, options.node);
    context.stdout.write(
      options.output === "json" ? `${JSON.stringify(shown, undefined, 2)}\n` : render(shown),
    );
    return 0;
  },
};

/** `ipvs` and `lc` are `ipvs-lc`. */
function balancerName(mode: string, scheduler: string | undefined): string {
  const name = scheduler === undefined ? mode : `${mode}-${scheduler}`;
  if (scheduler !== undefined && mode !== "ipvs") throw new UserError("--scheduler goes with mode ipvs", 2);
  if (name !== "ipvs" && !balancers.some((balancer) => balancer.name === name))
    throw new UserError(
      `unknown proxy mode "${name}"; there are ${balancers.map((balancer) => balancer.name).join(", ")}`,
      2,
    );
  return name;
}

interface NodeMode {
  node: string;
  mode: string;
  scheduler?: string;
  revision: number;
}

async function nodesOf(admin: ClusterAdmin, only: readonly string[]): Promise<NodeMode[]> {
  const nodes = await admin.call<ProxyNode[]>("proxy", "GET", "/nodes");
  const missing = only.find((name) => !nodes.some(({ nodeName }) => nodeName === name));
  if (missing !== undefined) throw new UserError(`node "${missing}" not found`);
  return nodes
    .filter(({ nodeName }) => only.length === 0 || only.includes(nodeName))
    .map(({ nodeName, mode, revision }) => {
      const [, scheduler] = /^ipvs-(.+)$/.exec(mode) ?? [];
      const kind = scheduler === undefined ? mode : "ipvs";
      return { node: nodeName, mode: kind, ...(scheduler === undefined ? {} : { scheduler }), revision };
    });
}

const render = (nodes: readonly NodeMode[]): string =>
  padColumns([
    ["NODE", "MODE", "SCHEDULER", "REVISION"],
    ...nodes.map(({ node, mode, scheduler, revision }) => [node, mode, scheduler ?? "-", String(revision)]),
  ]);
