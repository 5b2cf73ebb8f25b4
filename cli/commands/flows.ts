import type { FlowRecord } from "../../proxy-sim/dataplane/flow-log.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import { adminFlags, clockTime, clusterAdmin, serviceKey } from "../objects/cluster-admin.js";
import { padColumns } from "../printers/columns.js";

const flags = {
  ...adminFlags,
  pod: { kind: "string", help: "Only connections to this pod." },
  outcome: { kind: "string", help: "Only open, refused, unreachable, timed-out or reset." },
  limit: { kind: "int", default: 50, help: "How many of the last connections to show." },
  watch: { kind: "bool", short: "w", help: "Go on with each connection as it opens and ends." },
  output: { kind: "string", short: "o", help: "json: one object a line." },
} as const satisfies FlagSpecs;

const HEADER = [
  "TIME",
  "SOURCE",
  "DESTINATION",
  "SERVICE",
  "BACKEND",
  "NODE",
  "OUTCOME",
  "BYTES",
  "DURATION",
];

/** `kubesim flows [svc/web] [-w]`: every connection through the data plane, and the decision behind it. */
export const flowsCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const namespace = options.namespace ?? "default";
    const service = serviceKey(positionals[0], namespace);
    const admin = clusterAdmin(options);
    const query = new URLSearchParams({ limit: String(options.limit ?? 50) });
    if (service !== undefined) query.set("servicePort", service);
    if (options.pod !== undefined)
      query.set("pod", `${namespace}/${options.pod.replace(/^(pod|po|pods)\//, "")}`);
    if (options.outcome !== undefined) query.set("outcome", options.outcome);
    const known = await admin.call<FlowRecord[]>("dataplane", "GET", `/flows?${query.toString()}`);
    const json = options.output === "json";
    const widths = HEADER.map((title) => title.length);
    if (json) for (const flow of known) context.stdout.write(`${JSON.stringify(flow)}\n`);
    else {
      const rows = known.map(rowOf);
      context.stdout.write(padColumns([HEADER, ...rows]));
      for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
    }
    if (!options.watch) return 0;
    query.set("watch", "1");
    for await (const flow of admin.stream<FlowRecord | { lost: number }>(
      "dataplane",
      `/flows?${query.toString()}`,
      context.signal,
    )) {
      if (json) context.stdout.write(`${JSON.stringify(flow)}\n`);
      else if ("lost" in flow) context.stdout.write(`(${flow.lost} connections not shown)\n`);
      else context.stdout.write(`${padded(rowOf(flow), widths)}\n`);
    }
    return 0;
  },
};

function rowOf(flow: FlowRecord): string[] {
  return [
    clockTime(flow.atMs),
    flow.source,
    `${flow.destination}/${flow.protocol}`,
    flow.servicePort ?? "<none>",
    flow.backend ? `${flow.backend}${flow.pod ? ` (${flow.pod.split("/").pop()})` : ""}` : "<none>",
    flow.sourceNode ?? flow.node ?? "<none>",
    flow.outcome,
    `${flow.sentBytes}/${flow.receivedBytes}`,
    flow.durationMs === undefined ? "open" : `${flow.durationMs}ms${flow.reason ? `  ${flow.reason}` : ""}`,
  ];
}

const padded = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, i) => cell.padEnd(widths[i] ?? 0))
    .join("   ")
    .trimEnd();
