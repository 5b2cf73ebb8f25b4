import { parseAddress } from "../../machinery/network/addresses.js";
import type { LinkFault } from "../../machinery/network/links.js";
import type { AdminHandlers } from "../../machinery/runtime/admin-server.js";
import type { DataPlane } from "./data-plane.js";
import type { Packet } from "./decision.js";
import type { FlowFilter } from "./flow-log.js";
import { dataPlaneMetrics } from "./metrics.js";
import type { ProgramTransaction } from "./table.js";

/** What the data plane's admin socket offers. */
export function dataPlaneHandlers(dataPlane: DataPlane): AdminHandlers {
  return {
    "GET /health": () => ({ ready: true, bootId: dataPlane.bootId }),
    "GET /boot": ({ signal }) => dataPlane.boots(signal),
    "GET /metrics": () => dataPlaneMetrics(dataPlane),
    "POST /program": ({ body }) => dataPlane.program(body as ProgramTransaction),
    "GET /tables": ({ query }) => tables(dataPlane, query.get("node") ?? undefined),
    "GET /revisions": () =>
      Object.fromEntries([...dataPlane.router.kernels()].map(({ name, table }) => [name, table.revision])),
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
    "GET /links": () => dataPlane.links.list(),
    "PUT /links": ({ body }) => {
      const { name, ...fault } = body as { name: string } & LinkFault;
      dataPlane.links.set(name, fault);
    },
    "DELETE /links": ({ query }) => dataPlane.links.clear(query.get("name") ?? ""),
  };
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

function tables(dataPlane: DataPlane, only: string | undefined): unknown {
  const kernels = [...dataPlane.router.kernels()].filter(({ name }) => only === undefined || name === only);
  if (only !== undefined && kernels.length === 0) throw new RangeError(`no table for node "${only}"`);
  return kernels.map(({ name, table }) => ({
    node: name,
    revision: table.revision,
    routes: [...table.routes()].map(({ route }) => route),
  }));
}

function parsePacket(body: unknown): Packet {
  const { protocol = "TCP", from, to, enteredAt } = body as Record<string, string | undefined>;
  const source = parseAddress(from ?? "");
  const destination = parseAddress(to ?? "");
  if (!source || !destination) throw new RangeError("from and to must be ip:port");
  if (protocol !== "TCP" && protocol !== "UDP" && protocol !== "SCTP")
    throw new RangeError(`unknown protocol "${protocol}"`);
  return { protocol, from: source, to: destination, ...(enteredAt === undefined ? {} : { enteredAt }) };
}
