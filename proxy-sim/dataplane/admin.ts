import { parseAddress } from "../../machinery/network/addresses.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import type { DataPlane } from "./data-plane.js";
import type { Packet } from "./decision.js";
import type { FlowFilter } from "./flow-log.js";
import { GuestDatagrams } from "./guest-datagrams.js";
import { dataPlaneMetrics } from "./metrics.js";
import type { NodeKernel } from "./node-kernel.js";
import type { RouteTable } from "./route-table.js";
import type { ProgramTransaction, ServicePortRoute } from "./table.js";

/** What the data plane's admin socket offers. */
export function dataPlaneHandlers(dataPlane: DataPlane): AdminHandlers {
  return {
    "GET /health": () => ({ ready: true, bootId: dataPlane.bootId }),
    "GET /boot": ({ signal }) => dataPlane.boots(signal),
    "GET /metrics": () => dataPlaneMetrics(dataPlane),
    "POST /program": ({ body }) => dataPlane.program(body as ProgramTransaction),
    "GET /tables": ({ query }) => tables(dataPlane, query),
    "GET /revisions": () =>
      Object.fromEntries([...dataPlane.router.kernels()].map(({ name, table }) => [name, table.revision])),
    "GET /table-changes": ({ query }) => tableChanges(dataPlane, query),
    "GET /host-ports": () => dataPlane.hostPorts(),
    "GET /conntrack": () =>
      [...dataPlane.datagrams.conntrack.entries()].map(({ original, translated, assured, flow }) => ({
        original,
        translated,
        assured,
        servicePort: flow.servicePort,
      })),
    "GET /flows": ({ query, signal }) => {
      const filter = flowFilter(query);
      return isSet(query.get("watch"))
        ? dataPlane.flows.watch(filter, signal)
        : dataPlane.flows.list(filter, Number(query.get("limit") ?? 1000));
    },
    "POST /trace": ({ body }) => dataPlane.trace(parsePacket(body)),
    ...new GuestDatagrams(dataPlane.datagrams).adminHandlers(),
    "GET /exchange": ({ query }) => exchange(dataPlane, Object.fromEntries(query)),
    "POST /exchange": ({ body }) => exchange(dataPlane, body as Record<string, string>),
    "GET /links": () => dataPlane.links.list(),
  };
}

/** One UDP datagram from the host, base64 both ways: how the command line asks the cluster's DNS. */
async function exchange(dataPlane: DataPlane, { to = "", payload = "", timeoutMs }: Record<string, string>) {
  const address = parseAddress(to);
  if (!address) throw new RangeError("to must be ip:port");
  const answer = await dataPlane.exchange(address, Buffer.from(payload, "base64"), Number(timeoutMs ?? 2000));
  return { payload: Buffer.from(answer).toString("base64") };
}

const isSet = (value: string | null): boolean => value === "1" || value === "true";

function flowFilter(query: URLSearchParams): FlowFilter {
  const filter: FlowFilter = {};
  const servicePort = query.get("servicePort");
  const pod = query.get("pod");
  const outcome = query.get("outcome");
  const sinceId = query.get("sinceId");
  if (servicePort !== null) filter.servicePort = servicePort;
  if (pod !== null) filter.pod = pod;
  if (outcome !== null) filter.outcome = outcome;
  if (sinceId !== null) filter.sinceId = Number(sinceId);
  return filter;
}

/** From a sequence on; without one, the tables as they are. `start` tells one process from the next. */
function tableChanges({ tableLog, startId, flows, router }: DataPlane, query: URLSearchParams): unknown {
  const since = query.get("since");
  if (since !== null) return { start: startId, ...tableLog.since(Number(since)) };
  const { next } = tableLog.since(Number.MAX_SAFE_INTEGER);
  const outside = { nodes: [""], revision: router.newestRevision, routes: routesOf(router.newestTable) };
  return {
    start: startId,
    next,
    firstFlow: flows.nextId,
    tables: [...sharedTables([...router.kernels()]), outside],
  };
}

function tables(dataPlane: DataPlane, query: URLSearchParams): unknown {
  const only = query.get("node");
  const kernels = [...dataPlane.router.kernels()].filter(({ name }) => only === null || name === only);
  if (only !== null && kernels.length === 0) throw new RangeError(`no table for node "${only}"`);
  if (isSet(query.get("shared"))) return sharedTables(kernels);
  return kernels.map(({ name, table }) => ({
    node: name,
    revision: table.revision,
    routes: routesOf(table),
  }));
}

/** Each table once, with the nodes that have it. */
function sharedTables(kernels: readonly NodeKernel[]): SharedTable[] {
  const nodesByTable = new Map<RouteTable, string[]>();
  for (const { name, table } of kernels) nodesByTable.set(table, [...(nodesByTable.get(table) ?? []), name]);
  return [...nodesByTable].map(([table, nodes]) => ({
    nodes,
    revision: table.revision,
    routes: routesOf(table),
  }));
}

interface SharedTable {
  nodes: string[];
  revision: number;
  routes: ServicePortRoute[];
}

const routesOf = (table: RouteTable): ServicePortRoute[] => [...table.routes()].map(({ route }) => route);

function parsePacket(body: unknown): Packet {
  const { protocol = "TCP", from, to, enteredAt } = body as Record<string, string | undefined>;
  const source = parseAddress(from ?? "");
  const destination = parseAddress(to ?? "");
  if (!source || !destination) throw new RangeError("from and to must be ip:port");
  if (protocol !== "TCP" && protocol !== "UDP" && protocol !== "SCTP")
    throw new RangeError(`unknown protocol "${protocol}"`);
  return { protocol, from: source, to: destination, ...(enteredAt === undefined ? {} : { enteredAt }) };
}
