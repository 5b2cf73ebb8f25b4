import type { Node, Service } from "../../machinery/api/core-v1.js";
import type { EndpointSlice } from "../../machinery/api/discovery-v1.js";
import type { DeepReadonly } from "../../machinery/api/meta-v1.js";
import { objectKey } from "../../machinery/api/resource.js";
import { addressInCidr, familyOf, type IpFamily } from "../../machinery/network/addresses.js";
import { poolsFor, routeEntry } from "../../proxy-sim/dataplane/route-entry.js";
import type { Backend, NodeRoute, ServicePortRoute } from "../../proxy-sim/dataplane/table.js";
import { serviceOfSlice } from "../../proxy-sim/cluster-view.js";
import { nodeRouteOf, routesOf } from "../../proxy-sim/rules.js";
import { UserError } from "../supervisor/cluster.js";

/** What is compared: one port of a Service, the nodes, and pods that call it. */
export interface Subject {
  service: string;
  route: ServicePortRoute;
  /** The address that clients dial. */
  to: { ip: string; port: number };
  family: IpFamily;
  nodes: readonly NodeRoute[];
  clients: readonly Client[];
  /** Endpoints that may be used, in the order of their addresses. */
  endpoints: readonly Backend[];
}

export interface Client {
  ip: string;
  node: string;
}

export interface ClusterObjects {
  services: readonly DeepReadonly<Service>[];
  slices: readonly DeepReadonly<EndpointSlice>[];
  nodes: readonly DeepReadonly<Node>[];
}

export const CLIENTS_PER_NODE = 8;
/** Whoever carries packets in a comparison. */
export const CARRIER = "memory";

/** Throws UserError when there is nothing to compare. */
export function subjectOf(objects: ClusterObjects, key: string): Subject {
  const service = objects.services.find((each) => objectKey(each) === key);
  if (!service) throw new UserError(`services "${key.split("/")[1]}" not found`);
  const slices = objects.slices
    .filter((slice) => serviceOfSlice(slice) === key)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const route = routesOf(service, slices).find(({ protocol }) => protocol === "TCP");
  const [ip] = route?.clusterIPs ?? [];
  if (!route || ip === undefined)
    throw new UserError(`service "${key}" has no cluster IP with a TCP port: no proxy balances it`);
  const family = familyOf(ip);
  const endpoints = poolsFor(routeEntry(route), family === "IPv6").cluster.toSorted((a, b) =>
    a.ip < b.ip ? -1 : 1,
  );
  if (endpoints.length === 0) throw new UserError(`service "${key}" has no endpoints`);
  const nodes = objects.nodes
    .map(nodeRouteOf)
    .map((node) => ({ ...node, carrier: CARRIER }))
    .toSorted((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  const taken = new Set(route.backends.map((backend) => backend.ip));
  const clients = nodes.flatMap((node) => clientsOn(node, family, taken));
  if (clients.length === 0) throw new UserError(`no node has a pod range of family ${family}`);
  return { service: key, route, to: { ip, port: route.port }, family, nodes, clients, endpoints };
}

/** Pods that exist in the comparison only, with the first addresses of their node that no endpoint has. */
function clientsOn(
  { nodeName, podCIDRs }: NodeRoute,
  family: IpFamily,
  taken: ReadonlySet<string>,
): Client[] {
  const range = podCIDRs.find((cidr) => familyOf(cidr) === family);
  if (range === undefined) return [];
  const clients: Client[] = [];
  for (
    let index = 2;
    clients.length < CLIENTS_PER_NODE && index < 2 + CLIENTS_PER_NODE + taken.size;
    index++
  ) {
    const ip = addressInCidr(range, index);
    if (!taken.has(ip)) clients.push({ ip, node: nodeName });
  }
  return clients;
}

export const endpointName = ({ pod, ip, port }: Backend): string => pod ?? `${ip}:${port}`;
