import type { Protocol } from "../../machinery/api/core-v1.js";
import type { HostPortMapping } from "../../machinery/network/host-ports.js";
import type { SocketAddress } from "../../machinery/network/network.js";
import type { Hop } from "./forwarding.js";
import type { Match } from "./route-entry.js";
import type { Backend } from "./table.js";

/** The first packet of a connection, or a datagram that belongs to none. */
export interface Packet {
  protocol: Protocol;
  from: SocketAddress;
  to: SocketAddress;
  /** It came from outside the cluster, to this node's external address. */
  enteredAt?: string;
  /** The loopback address that a node's process dialled, when the kernel let it through to the node's own. */
  loopback?: string;
}

/** `closed`: the proxy itself took the connection, found no endpoint, and closed it. */
export type Verdict = "forward" | "refused" | "unreachable" | "timed-out" | "closed";

/** Where a packet goes and why. */
export interface Decision {
  verdict: Verdict;
  /** Why it is not forwarded. */
  reason?: string;
  sourceNode?: string;
  /** The node whose table was asked, and that table's revision. */
  node?: string;
  tableRevision?: number;
  /** Present when a Service was meant. */
  match?: Match;
  backend?: Backend;
  policy?: "Cluster" | "Local";
  /** The backend was chosen by session affinity. */
  affinity?: boolean;
  /** Present when a pod's host port was meant. */
  hostPort?: HostPortMapping;
  /** Of the node's proxy, by name; present when a Service was meant. */
  balancer?: string;
  /** The packet as it leaves the node, after NAT. */
  from: SocketAddress;
  to: SocketAddress;
  hop?: Hop;
}
