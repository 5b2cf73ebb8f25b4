import type { Backend, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { type Checker, secondsIn, verdictOf } from "../checker.js";
import type { DataPlaneRecord } from "../evidence.js";
import type { FlowRecord, History } from "../history.js";
import { type RouteVersion, type TableVersions, tableVersions, versionsFrom } from "../table-versions.js";
import { tablesWitness } from "../witnesses/tables.js";

/** The data plane tells of the end of its last 20,000 flows only; fewer, for some come while they are read. */
const FLOWS_WITH_KNOWN_END = 15_000;

/**
 * Each flow through a Service is compared with the very table that decided it, by the order in which the data plane noted both.
 * Connections that are open keep their endpoint, as conntrack has it; exchanges of UDP are flushed when the table drops theirs.
 */
export const onlyTableBackends: Checker = {
  name: "only-table-backends",
  summary: "no packet goes to an endpoint that the table it met does not hold, or held and dropped",
  parameters: {
    grace: {
      type: "duration",
      help: "how long an exchange of UDP may go on after its endpoint was dropped",
      default: "100ms",
    },
  },
  witnesses: [tablesWitness],
  check(history, _scenario, { grace }) {
    const planes = history.evidence?.dataPlanes ?? [];
    const byStart = new Map(planes.map((plane) => [plane.start, { plane, versions: tableVersions(plane) }]));
    const endOf = endsIn(history, planes.at(-1)?.start);
    let judged = 0;
    const violations: string[] = [];
    for (const flow of history.flows) {
      const known = byStart.get(flow.start ?? "");
      if (!known || !isJudged(flow, known.plane)) continue;
      judged += 1;
      const problem = problemOf(flow, known.versions, endOf(flow), Number(grace));
      if (problem) violations.push(`${secondsIn(history, flow.atMs)} ${problem}`);
    }
    const left = servedFlows(history) - judged;
    return verdictOf(
      violations,
      `all ${judged} flows went to endpoints of the tables that decided them${left > 0 ? `, ${left} met tables that nobody saw` : ""}`,
      `${violations.length} of ${judged} flows went to endpoints that their tables did not hold`,
    );
  },
};

const servedFlows = ({ flows }: History): number =>
  flows.filter(({ servicePort, backend }) => servicePort && backend).length;

/** One that was decided while the tables were being written down. */
const isJudged = ({ id, servicePort, backend, node }: FlowRecord, plane: DataPlaneRecord): boolean =>
  id !== undefined &&
  servicePort !== undefined &&
  backend !== undefined &&
  node !== undefined &&
  id >= plane.firstFlow &&
  !plane.incomplete;

/** When a flow ended; one that still stands lasted to the end of the run. Undefined when nobody knows. */
function endsIn({ flows, endedAtMs }: History, lastStart = ""): (flow: FlowRecord) => number | undefined {
  const newest = flows.reduce((id, flow) => (flow.start === lastStart ? Math.max(id, flow.id ?? 0) : id), 0);
  return ({ atMs, durationMs, start, id = 0 }) => {
    if (durationMs !== undefined) return atMs + durationMs;
    return start === lastStart && id > newest - FLOWS_WITH_KNOWN_END ? endedAtMs : undefined;
  };
}

function problemOf(
  flow: FlowRecord,
  tables: TableVersions,
  endMs: number | undefined,
  graceMs: number,
): string | undefined {
  const { id = 0, node = "", servicePort = "", backend = "" } = flow;
  const { current, later } = versionsFrom(tables.get(node)?.get(servicePort) ?? [], id);
  const where = `${flow.source} → ${servicePort} at ${node || "the host"} (table ${flow.tableRevision}) went to ${flow.pod ?? backend} (${backend})`;
  const route = current?.route;
  if (!route) return `${where}: the table had no such Service`;
  const chosen = backendIn(route, backend);
  if (!chosen) return `${where}: the table held ${described(route)}`;
  if (!isUsable(chosen, route, flow))
    return `${where}: it was not ready, and others were: ${described(route)}`;
  const dropped = flow.protocol === "UDP" ? later.find((version) => !holds(version, backend)) : undefined;
  if (!dropped || endMs === undefined) return undefined;
  const overMs = endMs - dropped.atMs;
  return overMs > graceMs
    ? `${where}: the exchange went on ${Math.round(overMs)} ms after table ${dropped.revision} had dropped it`
    : undefined;
}

const backendIn = ({ backends }: ServicePortRoute, key: string): Backend | undefined =>
  backends.find(({ ip, port }) => keyOf(ip, port) === key);
const holds = ({ route }: RouteVersion, key: string): boolean =>
  route !== undefined && backendIn(route, key) !== undefined;

const keyOf = (ip: string, port: number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);

// KEP-1669: an endpoint that is going is used when it still serves and no other is ready.
function isUsable(chosen: Backend, { backends }: ServicePortRoute, { policy, node }: FlowRecord): boolean {
  if (chosen.ready) return true;
  if (!chosen.serving || !chosen.terminating) return false;
  const isIPv6 = chosen.ip.includes(":");
  return !backends.some(
    ({ ip, ready, nodeName }) =>
      ready && ip.includes(":") === isIPv6 && (policy !== "Local" || nodeName === node),
  );
}

const described = ({ backends }: ServicePortRoute): string =>
  backends.map(({ ip, port, ready }) => `${keyOf(ip, port)}${ready ? "" : " (not ready)"}`).join(", ") ||
  "no endpoint";
