import type { Socket } from "node:net";
import type { Clock } from "../../../machinery/api/clock.js";
import type { Logger } from "../../../machinery/api/logger.js";
import { formatAddress } from "../../../machinery/network/addresses.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import type { HostDatagrams } from "../host-datagrams.js";
import { HostTcpPort } from "./host-tcp.js";
import { HostUdpPort } from "./host-udp.js";

/** A port of this machine, TCP and UDP, that leads to an address of the cluster: `127.0.0.1:10053` → `10.96.0.10:53`. */
export interface PublishedPort {
  host: SocketAddress;
  to: SocketAddress;
}

/** Opens each port; one that is taken is logged and left out. */
export async function publishPorts(
  ports: readonly PublishedPort[],
  options: {
    clock: Clock;
    logger: Logger;
    datagrams: HostDatagrams;
    onConnection: (socket: Socket, to: SocketAddress) => void;
  },
): Promise<{ close(): void }> {
  const opened: { close(): void }[] = [];
  for (const { host, to } of ports) {
    const sockets = [
      new HostTcpPort((socket) => options.onConnection(socket, to)),
      new HostUdpPort({ clock: options.clock, datagrams: options.datagrams, to }),
    ];
    for (const socket of sockets)
      try {
        await socket.bind(host);
        opened.push(socket);
      } catch (err) {
        socket.close();
        options.logger.warn("A published port could not be opened", { port: formatAddress(host), err });
      }
  }
  return {
    close: () => {
      for (const each of opened) each.close();
    },
  };
}
