import type { Clock } from "../../machinery/api/clock.js";
import type { Rng } from "../../machinery/api/rng.js";
import { connectionPair } from "../../machinery/network/memory-pipe.js";
import { familyOf } from "../../machinery/network/addresses.js";
import {
  type Connection,
  ConnectionError,
  type Network,
  type SocketAddress,
} from "../../machinery/network/network.js";
import type { VirtualNetwork } from "../../machinery/network/virtual-network.js";

const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_EPHEMERAL_PORT = 60_999;

/**
 * How a kubelet reaches the pods of its own node: over the node's bridge, from the node's address, past every Service
 * rule and every fault of the links between nodes.
 */
export class PodDialer implements Pick<Network, "connect"> {
  readonly #nodeIPs: readonly string[];
  readonly #network: VirtualNetwork;
  readonly #clock: Clock;
  readonly #rng: Rng;

  constructor(options: { nodeIPs: readonly string[]; network: VirtualNetwork; clock: Clock; rng: Rng }) {
    this.#nodeIPs = options.nodeIPs;
    this.#network = options.network;
    this.#clock = options.clock;
    this.#rng = options.rng;
  }

  async connect(to: SocketAddress): Promise<Connection> {
    const ip = this.#nodeIPs.find((own) => familyOf(own) === familyOf(to.ip));
    if (ip === undefined) throw new ConnectionError("unreachable");
    const from = { ip, port: this.#rng.int(FIRST_EPHEMERAL_PORT, LAST_EPHEMERAL_PORT) };
    const [near, far] = connectionPair({
      clock: this.#clock,
      near: { local: from, remote: to },
      far: { local: to, remote: from },
    });
    const outcome = this.#network.acceptConnection(from, to, () => far);
    if (outcome !== "open") throw new ConnectionError(outcome);
    return near;
  }
}
