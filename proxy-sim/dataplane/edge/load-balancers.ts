import type { Socket } from "node:net";
import type { Clock } from "../../../machinery/api/clock.js";
import type { Protocol } from "../../../machinery/api/core-v1.js";
import { isIp } from "../../../machinery/network/addresses.js";
import type { SocketAddress } from "../../../machinery/network/network.js";
import { toConnectionError } from "../../../machinery/network/system-errors.js";
import type { AdminHandlers } from "../../../machinery/runtime/admin-server.js";
import { hostIpFor } from "../data-plane.js";
import type { HostDatagrams } from "../host-datagrams.js";
import type { Router } from "../router.js";
import { HostTcpPort } from "./host-tcp.js";
import { HostUdpPort } from "./host-udp.js";

export interface LoadBalancerOptions {
  clock: Clock;
  router: () => Router;
  datagrams: () => HostDatagrams;
  onConnection: (socket: Socket, node: string, to: SocketAddress) => void;
}

/** One port of a Service of type LoadBalancer, as the cloud is asked for it. */
interface Frontend {
  /** `default/web:http`. */
  servicePort: string;
  protocol: Protocol;
  address: SocketAddress;
  nodePort?: number;
}

/** Any client port: what is asked is only whether the node would serve. */
const PROBE_PORT = 40_000;

/**
 * The cloud's part: a listener on this machine for a Service's external address, which sends each client to a node that
 * can serve it, as a load balancer's health checks would have it. A lease: the port closes with the answer's connection.
 */
export class LoadBalancers {
  readonly #options: LoadBalancerOptions;
  readonly #held = new Set<string>();
  #turn = 0;

  constructor(options: LoadBalancerOptions) {
    this.#options = options;
  }

  adminHandlers(): AdminHandlers {
    return { "GET /load-balancers/lease": ({ query, signal }) => this.lease(query, signal) };
  }

  /**
   * `?servicePort=default/web&protocol=TCP&ip=127.3.1.1&port=80&nodePort=30080` answers where it listens: there, else on
   * a free port of that address, else on a free port of 127.0.0.1. Rejects with RangeError when somebody holds it already.
   */
  async lease(
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<AsyncIterable<{ actual: SocketAddress }>> {
    const frontend = parseFrontend(query);
    const key = `${frontend.servicePort}/${frontend.protocol}`;
    if (this.#held.has(key)) throw new RangeError(`another tunnel serves ${frontend.servicePort}`);
    this.#held.add(key);
    try {
      const { socket, actual } = await this.#open(frontend);
      return this.#hold(key, socket, actual, signal);
    } catch (err) {
      this.#held.delete(key);
      throw err;
    }
  }

  async *#hold(
    key: string,
    socket: { close(): void },
    actual: SocketAddress,
    signal: AbortSignal,
  ): AsyncGenerator<{ actual: SocketAddress }> {
    try {
      yield { actual };
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      socket.close();
      this.#held.delete(key);
    }
  }

  async #open(frontend: Frontend): Promise<{ socket: { close(): void }; actual: SocketAddress }> {
    const { address } = frontend;
    const candidates = [address, { ...address, port: 0 }, { ip: "127.0.0.1", port: 0 }];
    let failure: unknown;
    for (const candidate of candidates) {
      const isShared = candidate.ip !== address.ip;
      const socket = this.#newSocket(frontend, isShared);
      try {
        return { socket, actual: await socket.bind(candidate) };
      } catch (err) {
        failure = err;
        socket.close();
      }
    }
    throw toConnectionError(failure);
  }

  #newSocket(frontend: Frontend, isShared: boolean): HostTcpPort | HostUdpPort {
    const entry = () => this.#entry(frontend, isShared);
    if (frontend.protocol !== "UDP")
      return new HostTcpPort((socket) => {
        const { node, to } = entry();
        this.#options.onConnection(socket, node, to);
      });
    const { clock, datagrams } = this.#options;
    // Read anew for every client.
    return new HostUdpPort({
      clock,
      datagrams: datagrams(),
      get to() {
        return entry().to;
      },
      get enteredAt() {
        return entry().node;
      },
    });
  }

  /** A node that would serve the client, each in its turn; any node when none would, which then says why. */
  #entry(frontend: Frontend, isShared: boolean): { node: string; to: SocketAddress } {
    const router = this.#options.router();
    const nodes = [...router.forwarding.nodes()];
    const start = this.#turn++;
    const entries = nodes.map((_, i) => {
      const node = nodes[(start + i) % nodes.length] ?? _;
      const byNodePort = isShared && frontend.nodePort !== undefined;
      const to = byNodePort ? { ip: node.internalIP, port: frontend.nodePort ?? 0 } : frontend.address;
      return { node: node.nodeName, to };
    });
    const serves = ({ node, to }: { node: string; to: SocketAddress }): boolean => {
      const packet = {
        protocol: frontend.protocol,
        from: { ip: hostIpFor(to.ip), port: PROBE_PORT },
        to,
        enteredAt: node,
      };
      return router.decide(packet, { dryRun: true }).verdict === "forward";
    };
    return entries.find(serves) ?? entries[0] ?? { node: "", to: frontend.address };
  }
}

function parseFrontend(query: URLSearchParams): Frontend {
  const protocol = query.get("protocol") ?? "TCP";
  const [ip, port] = [query.get("ip") ?? "", Number(query.get("port"))];
  if (!isIp(ip) || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new RangeError("ip and port are needed");
  if (protocol !== "TCP" && protocol !== "UDP") throw new RangeError(`${protocol} cannot be balanced here`);
  const nodePort = query.get("nodePort");
  return {
    servicePort: query.get("servicePort") ?? "",
    protocol,
    address: { ip, port },
    ...(nodePort === null ? {} : { nodePort: Number(nodePort) }),
  };
}
