import { addressInCidr, PrefixTable } from "../../machinery/network/addresses.js";
import type { NodeRoute } from "./table.js";

/** Who carries the packets for an address. */
export interface Hop {
  /** Absent for hosts that are not nodes, such as the API server's. */
  node?: NodeRoute;
  /** Socket path of the carrier. */
  carrier: string;
}

/** Longest prefix match over nodes, their pod ranges, and hosts that were given by name. */
export class Forwarding {
  readonly #hops = new PrefixTable<Hop>();
  readonly #nodes = new Map<string, NodeRoute>();
  readonly #byInternalIp = new Map<string, NodeRoute>();
  readonly #gateways = new Map<string, string>();

  /** `hosts`: addresses outside the nodes, each with its carrier. */
  constructor(hosts: Readonly<Record<string, string>> = {}) {
    for (const [ip, carrier] of Object.entries(hosts)) this.#hops.set(ip, { carrier });
  }

  set(route: NodeRoute): void {
    this.remove(route.nodeName);
    const hop: Hop = { node: route, carrier: route.carrier };
    this.#nodes.set(route.nodeName, route);
    if (route.internalIP) {
      this.#byInternalIp.set(route.internalIP, route);
      this.#hops.set(route.internalIP, hop);
    }
    for (const cidr of route.podCIDRs) this.#hops.set(cidr, hop);
    if (route.podCIDRs[0]) this.#gateways.set(route.nodeName, addressInCidr(route.podCIDRs[0], 1));
  }

  remove(nodeName: string): void {
    const old = this.#nodes.get(nodeName);
    if (!old) return;
    this.#nodes.delete(nodeName);
    this.#gateways.delete(nodeName);
    this.#byInternalIp.delete(old.internalIP);
    for (const prefix of [old.internalIP, ...old.podCIDRs]) if (prefix) this.#hops.delete(prefix);
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

  /** The source address of a masqueraded packet: that of the interface by which it leaves the node. */
  masqueradeAddress(node: NodeRoute, destination: NodeRoute | undefined): string {
    const bridge = destination?.nodeName === node.nodeName ? this.#gateways.get(node.nodeName) : undefined;
    return bridge ?? node.internalIP;
  }
}
