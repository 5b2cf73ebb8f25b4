import { isLoopback } from "../../machinery/network/addresses.js";
import type { Packet } from "./decision.js";
import type { Router } from "./router.js";

/** Modes whose rules also see packets that a node sends to its own loopback address (`route_localnet`). */
const LOCALHOST_NODE_PORTS: ReadonlySet<string> = new Set(["iptables", "userspace"]);

/**
 * `localhost:nodePort` inside a node is its node port, in the modes where it really is. In others the packet stays as it
 * is and finds nobody.
 */
export function throughLoopback(router: Router, packet: Packet): Packet {
  if (!isLoopback(packet.to.ip)) return packet;
  const node = router.forwarding.nodeAt(packet.from.ip);
  const kernel = node && router.kernel(node.nodeName);
  if (!kernel || !LOCALHOST_NODE_PORTS.has(kernel.balancer.mode)) return packet;
  if (kernel.table.lookup(packet.to, packet.protocol)) return packet;
  if (!kernel.table.nodePort(packet.to.port, packet.protocol)) return packet;
  return { ...packet, to: { ip: node.internalIP, port: packet.to.port } };
}
