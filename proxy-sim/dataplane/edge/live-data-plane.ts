import type { Socket } from "node:net";
import type { Clock } from "../../../machinery/api/clock.js";
import type { Logger } from "../../../machinery/api/logger.js";
import type { Rng } from "../../../machinery/api/rng.js";
import { serveCarrier } from "../../../machinery/network/carrier.js";
import { CarrierSessions } from "../../../machinery/network/carrier-session.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { DataPlane, hostIpFor } from "../data-plane.js";
import type { Packet } from "../decision.js";
import { HostSockets } from "./host-sockets.js";
import { liveDialer } from "./live-dialer.js";
import { LiveStreams } from "./live-streams.js";
import { LoadBalancers } from "./load-balancers.js";
import { type PublishedPort, publishPorts } from "./published-ports.js";

export interface LiveDataPlaneOptions {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  carrierSocket: string;
  clusterToken: string;
  /** Hosts that are no nodes: address → carrier socket. */
  hosts: Readonly<Record<string, string>>;
  serviceCIDRs?: readonly string[];
  loopbackIndex?: number;
  hostNodes?: number;
  /** Further ports of this machine that lead into the cluster. */
  publish?: readonly PublishedPort[];
  /** Links may be broken: connections take the slower way that lets faults act on them. */
  breakable?: boolean;
  /** Files that this process may have open: a relayed connection has two. Absent: as many as it needs. */
  openFiles?: number | undefined;
}

const DEFAULT_HOST_NODES = 16;
const MOST_CONNECTIONS = 65_536;
/** Descriptors for everything else: listeners, sessions, the admin socket, connections that are being refused. */
const OTHER_FILES = 1024;
const FILES_EACH = 2;

/** Beyond it connections are refused while the process can still speak to everyone. */
const mostConnections = (openFiles = Number.POSITIVE_INFINITY): number =>
  Math.min(MOST_CONNECTIONS, Math.floor(Math.max(openFiles - OTHER_FILES, openFiles / 2) / FILES_EACH));

/** A data plane on real sockets: a carrier for the cluster's processes, listeners for the host. */
export async function startLiveDataPlane(
  options: LiveDataPlaneOptions,
): Promise<{ dataPlane: DataPlane; loadBalancers: LoadBalancers; close: () => Promise<void> }> {
  const { clock, rng, logger, clusterToken, breakable = false } = options;
  const sessions = new CarrierSessions(clusterToken);
  const serving = (
    socket: Parameters<LiveStreams["serve"]>[0],
    packet: Packet,
    from: "carrier" | "host",
  ): void => {
    streams.serve(socket, packet, from).catch((err: unknown) => {
      logger.error("A connection was lost to a mistake of the data plane", { err });
      socket.destroy();
    });
  };
  const fromHost = (socket: Socket, node: string, to: SocketAddress): void => {
    serving(socket, { protocol: "TCP", from: hostSource(socket, to), to, enteredAt: node }, "host");
  };
  const hostListeners = new HostSockets({
    clock,
    logger,
    datagrams: () => dataPlane.hostDatagrams,
    hostNodes: options.hostNodes ?? DEFAULT_HOST_NODES,
    ...(options.loopbackIndex === undefined ? {} : { loopbackIndex: options.loopbackIndex }),
    onConnection: fromHost,
  });
  const dataPlane: DataPlane = new DataPlane({
    clock,
    rng,
    logger,
    hostListeners,
    hosts: options.hosts,
    dialCarrier: liveDialer({ clock, sessions, breakable }),
    mostConnections: mostConnections(options.openFiles),
    ...(options.serviceCIDRs ? { serviceCIDRs: options.serviceCIDRs } : {}),
  });
  const streams = new LiveStreams({ dataPlane, sessions, breakable });
  const carrier = await serveCarrier({
    socketPath: options.carrierSocket,
    clusterToken,
    onStream: (socket, from, to) => serving(socket, { protocol: "TCP", from, to }, "carrier"),
    onDatagram: (from, to, bytes) => dataPlane.sendDatagram(from, to, bytes),
  });
  const published = await publishPorts(options.publish ?? [], {
    clock,
    logger,
    datagrams: dataPlane.hostDatagrams,
    onConnection: (socket, to) =>
      serving(socket, { protocol: "TCP", from: hostSource(socket, to), to }, "host"),
  });
  const loadBalancers = new LoadBalancers({
    clock,
    router: () => dataPlane.router,
    datagrams: () => dataPlane.hostDatagrams,
    onConnection: fromHost,
  });
  return {
    dataPlane,
    loadBalancers,
    close: async () => {
      published.close();
      await Promise.all([carrier.close(), dataPlane.close()]);
      sessions.close();
    },
  };
}

const hostSource = (socket: Socket, to: SocketAddress): SocketAddress => ({
  ip: hostIpFor(to.ip),
  port: socket.remotePort ?? 0,
});
