import { addressInCidr, familyOf, type IpFamily, PrefixTable } from "../../machinery/network/addresses.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";
import type { NodeRoute } from "./table.js";

/** Who carries the packets for an address. */
export interface Hop {
  /** Absent for hosts that are not nodes, such as the API server's. */
  node?: NodeRoute;
  /** Socket path of the carrier. */
  carrier: string;
  /** The node's proxy listens there, not one of its pods or programs. */
  isProxy?: true;
}

/** Longest prefix match over nodes, their pod ranges, and hosts that were given by name. */
export class Forwarding {
  readonly #hops = new PrefixTable<Hop>();
  readonly #nodes = new Map<string, NodeRoute>();
  readonly #byInternalIp = new Map<string, NodeRoute>();
  /** By node, then by host port and protocol. */
  readonly #hostPorts = new Map<string, ReadonlyMap<string, readonly HostPortMapping[]>>();

  /** `hosts`: addresses outside the nodes, each with its carrier. */
  constructor(hosts: Readonly<Record<string, string>> = {}) {
    for (const [ip, carrier] of Object.entries(hosts)) this.#hops.set(ip, { carrier });
  }

  set(route: NodeRoute): void {
    this.remove(route.nodeName);
    const hop: Hop = { node: route, carrier: route.carrier };
    this.#nodes.set(route.nodeName, route);
    for (const ip of addressesOf(route)) {
      this.#byInternalIp.set(ip, route);
      this.#hops.set(ip, hop);
    }
    for (const cidr of route.podCIDRs) this.#hops.set(cidr, hop);
    if (route.hostPorts) this.#hostPorts.set(route.nodeName, byPort(route.hostPorts));
  }

  remove(nodeName: string): void {
    const old = this.#nodes.get(nodeName);
    if (!old) return;
    this.#nodes.delete(nodeName);
    this.#hostPorts.delete(nodeName);
    for (const ip of addressesOf(old)) this.#byInternalIp.delete(ip);
    for (const prefix of [...addressesOf(old), ...old.podCIDRs]) this.#hops.delete(prefix);
  }

  hop(ip: string): Hop | undefined {
    return this.#hops.lookup(ip);
  }

  /** The node whose own address this is. */
  nodeAt(ip: string): NodeRoute | undefined {
    return this.#byInternalIp.get(ip);
  }

  node(name: string): NodeRoute | undefined {
    return this.#nodes.get(name);
  }

  nodes(): IterableIterator<NodeRoute> {
    return this.#nodes.values();
  }

  /** What a node's kernel does with a port of one of these addresses of its own. */
  hostPort(
    node: string,
    ips: readonly string[],
    port: number,
    protocol: string,
  ): HostPortMapping | undefined {
    const mappings = this.#hostPorts.get(node)?.get(`${port}/${protocol}`);
    return mappings?.find(({ hostIP }) => isAnyIp(hostIP) || ips.includes(hostIP));
  }

  /** The source address of a masqueraded packet: that of the interface by which it leaves the node. */
  masqueradeAddress(
    node: NodeRoute,
    destination: NodeRoute | undefined,
    family: IpFamily,
  ): string | undefined {
    const isHere = destination?.nodeName === node.nodeName;
    return (isHere ? bridgeOf(node, family) : undefined) ?? nodeAddress(node, family);
  }
}

/** Of a host port that belongs to every address of its node. */
export const isAnyIp = (ip: string): boolean => ip === "" || ip === "0.0.0.0" || ip === "::";

const addressesOf = ({ internalIP, secondaryIP }: NodeRoute): string[] =>
  [internalIP, secondaryIP ?? ""].filter((ip) => ip !== "");

export const nodeAddress = (node: NodeRoute, family: IpFamily): string | undefined =>
  addressesOf(node).find((ip) => familyOf(ip) === family);

/** The first address of the node's pod range. */
function bridgeOf({ podCIDRs }: NodeRoute, family: IpFamily): string | undefined {
  const cidr = podCIDRs.find((each) => familyOf(each) === family);
  return cidr === undefined ? undefined : addressInCidr(cidr, 1);
}

function byPort(mappings: readonly HostPortMapping[]): Map<string, HostPortMapping[]> {
  const grouped = new Map<string, HostPortMapping[]>();
  for (const mapping of mappings) {
    const key = `${mapping.hostPort}/${mapping.protocol}`;
    grouped.set(key, [...(grouped.get(key) ?? []), mapping]);
  }
  return grouped;
}
