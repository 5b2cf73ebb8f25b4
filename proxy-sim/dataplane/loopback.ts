import { familyOf, isLoopback } from "../../machinery/network/addresses.js";
import type { ProxyMode } from "../balancers/balancer.js";
import type { Packet } from "./decision.js";
import { nodeAddress } from "./forwarding.js";
import type { Router } from "./router.js";

/** iptables mode has `route_localnet`, which IPv6 does not know; in userspace mode the proxy itself listens. */
const seesLoopback = (mode: ProxyMode, ip: string): boolean =>
  mode === "userspace" || (mode === "iptables" && familyOf(ip) === "IPv4");

/**
 * `localhost:nodePort` inside a node is its node port, in the modes where it really is, and `127.0.0.1:hostPort` a pod's
 * host port in all of them. Any other packet stays as it is and finds nobody.
 */
export function throughLoopback(router: Router, packet: Packet): Packet {
  const { to, protocol } = packet;
  if (!isLoopback(to.ip)) return packet;
  const node = router.forwarding.nodeAt(packet.from.ip);
  const kernel = node && router.kernel(node.nodeName);
  const ip = node && nodeAddress(node, familyOf(to.ip));
  if (!kernel || ip === undefined || kernel.table.lookup(to, protocol)) return packet;
  const isNodePort =
    seesLoopback(kernel.balancer.mode, to.ip) && kernel.table.nodePort(to.port, protocol) !== undefined;
  const isHostPort =
    familyOf(to.ip) === "IPv4" && router.forwarding.hostPort(node.nodeName, [ip, to.ip], to.port, protocol);
  const isProxy = router.isProxyPort({ ...packet, loopback: to.ip }, node.nodeName);
  return isNodePort || isHostPort || isProxy
    ? { ...packet, to: { ip, port: to.port }, loopback: to.ip }
    : packet;
}
