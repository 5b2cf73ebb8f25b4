import type { Programmed, TimelineEntry } from "../../proxy-sim/timeline.js";
import type { CliCommand } from "../command.js";
import { type FlagSpecs, parseFlags } from "../flags.js";
import {
  adminFlags,
  clockTime,
  type ClusterAdmin,
  clusterAdmin,
  serviceKey,
} from "../objects/cluster-admin.js";
import { padColumns } from "../printers/columns.js";
import { UserError } from "../supervisor/cluster.js";

const flags = {
  ...adminFlags,
  limit: { kind: "int", default: 20, help: "How many of the last changes to show." },
  output: { kind: "string", short: "o", help: "json" },
} as const satisfies FlagSpecs;

/** When a pod's Ready condition changed on its node; `GET /readiness` of the kubelet process. */
interface Readiness {
  pod: string;
  ready: boolean;
  atMs: number;
}

/** One change of a Service, from the pods that caused it to the last table that has it. */
interface ChangeReport extends TimelineEntry {
  /** When the first pod that this change brought became ready (or unready) on its node. */
  causedMs?: number;
  causedBy?: string;
}

/** `kubesim timeline svc/web`: for each change, pod Ready → slice seen by the proxy → each node's table. */
export const timelineCommand: CliCommand = {
  async run(args, context) {
    const { flags: options, positionals } = parseFlags(args, flags);
    const service = serviceKey(positionals[0], options.namespace ?? "default");
    if (service === undefined) throw new UserError("which Service? kubesim timeline svc/NAME", 2);
    const admin = clusterAdmin(options);
    const query = new URLSearchParams({ service, limit: String(options.limit ?? 20) });
    const entries = await admin.call<TimelineEntry[]>("proxy", "GET", `/timeline?${query.toString()}`);
    const readiness = await readinessLog(admin);
    const reports = entries.map((entry) => withCause(entry, readiness));
    if (options.output === "json") context.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
    else context.stdout.write(render(service, reports));
    return 0;
  },
};

/** Without a kubelet to ask, causes are simply not known. */
async function readinessLog(admin: ClusterAdmin): Promise<Readiness[]> {
  try {
    return await admin.call<Readiness[]>("kubelet", "GET", "/readiness");
  } catch (err) {
    if (err instanceof UserError) return [];
    throw err;
  }
}

function withCause(entry: TimelineEntry, readiness: readonly Readiness[]): ChangeReport {
  const causes = [
    ...(entry.nowReady ?? []).map((pod) => lastChange(readiness, pod, true, entry.receivedMs)),
    ...(entry.noLongerReady ?? []).map((pod) => lastChange(readiness, pod, false, entry.receivedMs)),
  ]
    .filter((cause) => cause !== undefined)
    // Older than what the slice was written for: a Service that is new finds pods that are not. The note has whole seconds.
    .filter(({ atMs }) => atMs >= (entry.triggeredMs ?? 0) - 1000);
  const [first] = causes.sort((a, b) => a.atMs - b.atMs);
  return first ? { ...entry, causedMs: first.atMs, causedBy: first.pod } : entry;
}

const lastChange = (
  readiness: readonly Readiness[],
  pod: string,
  ready: boolean,
  beforeMs: number,
): Readiness | undefined =>
  readiness.findLast((change) => change.pod === pod && change.ready === ready && change.atMs <= beforeMs);

function render(service: string, reports: readonly ChangeReport[]): string {
  if (reports.length === 0) return `No changes of Service ${service} since the proxy started.\n`;
  const rows = reports.map((report) => {
    const base = report.causedMs ?? report.receivedMs;
    const plus = (ms: number | undefined): string => (ms === undefined ? "-" : `+${Math.round(ms - base)}ms`);
    const tables = togetherIn(report.programmed).map(({ atMs, nodes, nodeCount, full }) => {
      const named = nodes !== undefined && nodes.length <= MOST_NODES_NAMED;
      const which = named ? nodes.join(",") : nodeCount === 1 ? "1 node" : `${nodeCount} nodes`;
      return `${plus(atMs)} ${which}${full ? " (full)" : ""}`;
    });
    return [
      String(report.revision),
      clockTime(base),
      report.type === "deleted" ? `${report.object} deleted` : report.object,
      report.resourceVersion ?? "-",
      podsOf(report),
      report.causedMs === undefined ? "-" : "+0ms",
      plus(report.receivedMs),
      tables.length === 0 ? "not yet" : tables.join("; "),
    ];
  });
  const header = ["REVISION", "TIME", "CHANGE", "RV", "PODS", "POD-CHANGED", "PROXY-SAW", "TABLES-UPDATED"];
  return padColumns([header, ...rows]);
}

const MOST_NODES_NAMED = 2;

/** Nodes whose tables were written at one time, together. */
function togetherIn(programmed: readonly Programmed[]): Programmed[] {
  const byTime = new Map<string, Programmed>();
  for (const each of programmed) {
    const key = `${each.atMs} ${each.full} ${each.nodes === undefined}`;
    const known = byTime.get(key);
    const nodes = [...(known?.nodes ?? []), ...(each.nodes ?? [])];
    byTime.set(key, known ? { ...known, nodes, nodeCount: nodes.length } : each);
  }
  return [...byTime.values()];
}

function podsOf({ nowReady = [], noLongerReady = [] }: TimelineEntry): string {
  const short = (pod: string): string => pod.split("/").pop() ?? pod;
  const words = [...nowReady.map((pod) => `+${short(pod)}`), ...noLongerReady.map((pod) => `-${short(pod)}`)];
  if (words.length === 0) return "-";
  return words.length <= 3 ? words.join(" ") : `${words.slice(0, 2).join(" ")} and ${words.length - 2} more`;
}
