import { Option } from "commander";
import type { CliCommand } from "../command.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";
import type { ClusterStatus } from "../supervisor/supervisor.js";
import { dirOf, parseWhich, type WhichCluster } from "./down.js";
import { currentStatus } from "./up.js";

export const statusCommand: CliCommand = {
  async run(args, context) {
    const which = parseWhich<WhichCluster & { output?: string }>(
      args,
      "status",
      "Shows a cluster's processes.",
      (command) =>
        command.addOption(new Option("-o, --output <form>", "json or yaml").choices(["json", "yaml"])),
    );
    if (!which) return 0;
    const dir = dirOf(which);
    const running = await currentStatus(dir);
    const dnsPort = dir.read()?.dnsPort;
    const status = running && { ...running, ...(dnsPort ? { dns: `127.0.0.1:${dnsPort}` } : {}) };
    if (!status) throw new UserError(`cluster "${which.name}" is not running (${dir.path})`);
    if (which.output === "json") context.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
    else if (which.output === "yaml") {
      const { dump } = await import("js-yaml");
      context.stdout.write(dump(status));
    } else context.stdout.write(describe(status));
    return status.processes.every((process) => process.ready) ? 0 : 1;
  },
};

/** `dns`: where the cluster's name server answers on this machine. */
function describe(status: ClusterStatus & { dns?: string }): string {
  const rows = status.processes.map((row) => [
    row.name,
    row.pid === null ? "-" : String(row.pid),
    row.ready ? "yes" : "no",
    String(row.restarts),
    row.reason ?? "",
  ]);
  const moved = status.hostPorts
    .filter(({ wanted, actual }) => wanted !== actual)
    .map(
      ({ servicePort, wanted, actual, problem }) =>
        `${servicePort}: ${wanted} is ${actual ? `on ${actual}` : "not open"} (${problem ?? "taken"})\n`,
    );
  return [
    `Cluster:     ${status.name}\n`,
    `Server:      ${status.server}\n`,
    ...(status.dns ? [`DNS:         ${status.dns}\n`] : []),
    `Nodes:       ${status.nodes}\n`,
    `Data:        ${status.dataDir}\n`,
    `Kubeconfig:  ${status.kubeconfig}\n\n`,
    padColumns([["PROCESS", "PID", "READY", "RESTARTS", "REASON"], ...rows]),
    ...moved,
  ].join("");
}
