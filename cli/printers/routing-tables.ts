import { formatAddress } from "../../machinery/network/addresses.js";
import type { Backend, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { padColumns } from "./columns.js";

/** One table and the nodes that share it. */
export interface SharedTable {
  nodes: string[];
  revision: number;
  routes: ServicePortRoute[];
}

/** Our own form: a line for each service port, its endpoints beside it. */
export function printTables(tables: readonly SharedTable[]): string {
  return tables
    .map(({ nodes, revision, routes }) => {
      const rows = sorted(routes).map((route) => [
        route.servicePort,
        addressesOf(route).join(","),
        route.protocol,
        route.nodePort === undefined ? "<none>" : String(route.nodePort),
        policyOf(route),
        endpointsOf(route),
      ]);
      const head = `${nodes.length === 1 ? "Node" : "Nodes"} ${nodeList(nodes)} at revision ${revision}\n`;
      const header = ["SERVICE", "ADDRESS", "PROTOCOL", "NODEPORT", "POLICY", "ENDPOINTS"];
      return head + (rows.length === 0 ? "(no routes)\n" : padColumns([header, ...rows]));
    })
    .join("\n");
}

const MOST_NODES_NAMED = 6;

/** `node-2` before `node-10`. */
const byNumber = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);

function nodeList(unsorted: readonly string[]): string {
  const nodes = unsorted.toSorted(byNumber);
  if (nodes.length <= MOST_NODES_NAMED) return nodes.join(", ");
  return `${nodes.slice(0, MOST_NODES_NAMED - 1).join(", ")} and ${nodes.length - MOST_NODES_NAMED + 1} more`;
}

export const sorted = (routes: readonly ServicePortRoute[]): ServicePortRoute[] =>
  routes.toSorted((a, b) => (a.servicePort < b.servicePort ? -1 : 1));

export const addressesOf = (route: ServicePortRoute): string[] =>
  [...route.clusterIPs, ...route.externalIPs, ...route.loadBalancerIPs].map((ip) =>
    formatAddress({ ip, port: route.port }),
  );

function policyOf(route: ServicePortRoute): string {
  const words = [
    route.internalTrafficPolicy === "Local" ? "internal=Local" : "",
    route.externalTrafficPolicy === "Local" ? "external=Local" : "",
    route.sessionAffinitySeconds === undefined ? "" : `ClientIP=${route.sessionAffinitySeconds}s`,
  ].filter((word) => word !== "");
  return words.length === 0 ? "Cluster" : words.join(",");
}

function endpointsOf({ backends }: ServicePortRoute): string {
  if (backends.length === 0) return "<none>";
  return backends.map((backend) => `${formatAddress(backend)}${conditionOf(backend)}`).join(",");
}

export function conditionOf({ ready, serving, terminating }: Backend): string {
  if (ready) return "";
  if (terminating) return serving ? "(terminating)" : "(terminating, not serving)";
  return "(not ready)";
}
